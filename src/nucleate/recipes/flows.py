"""What recipes of flows share: interpolants of the coordinates, the cell and the species, each by its own settings."""

from __future__ import annotations

from nucleate.codecs.base import LatticeCodec
from nucleate.codecs.species import Codes, Numbers, species_codec
from nucleate.processes.base import Process
from nucleate.processes.fixed import Fixed
from nucleate.processes.interpolant import Base, Interpolant, InterpolantSettings
from nucleate.recipes.base import representation


def coordinate_flow(settings: InterpolantSettings) -> Interpolant:
    """Fractional coordinates on the torus."""
    return Interpolant(settings, "frac", 3, "atom", "torus")


def cell_flow(settings: InterpolantSettings, cells: LatticeCodec, base: Base | None = None) -> Interpolant:
    """The channels of a codec of the lattice, from `base`, or else from cells like those of the training data."""
    return Interpolant(settings, "lattice", cells.width, "cell", "euclidean", base=base or cells.draw)


def species_flow(species: str, settings: InterpolantSettings) -> tuple[Process, Numbers | Codes]:
    """Vectors of species (`onehot` or `bits`) and their codec; `given` ones stay as they are."""
    codec = species_codec(representation(species))
    if species == "given":
        return Fixed(), codec
    return Interpolant(settings, "species", codec.width, "atom", "euclidean"), codec
