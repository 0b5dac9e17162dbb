"""Interpolants of the coordinates, the cell and the species, shared by the recipes of flows."""

from __future__ import annotations

from nucleate.codecs.base import LatticeCodec
from nucleate.codecs.species import Codes, Numbers, species_codec
from nucleate.processes.base import Process
from nucleate.processes.fixed import Fixed
from nucleate.processes.interpolant import Base, Interpolant, InterpolantSettings
from nucleate.recipes.species import representation


def coordinate_flow(settings: InterpolantSettings) -> Interpolant:
    """Fractional coordinates on the torus."""
    return Interpolant(settings, "frac", 3, "atom", "torus")


def cell_flow(settings: InterpolantSettings, cells: LatticeCodec, base: Base | None = None) -> Interpolant:
    """The channels of a lattice codec. The prior is `base`, by default cells like those of the training data."""
    return Interpolant(settings, "lattice", cells.width, "cell", "euclidean", base=base or cells.draw)


def species_flow(species: str, settings: InterpolantSettings) -> tuple[Process, Numbers | Codes]:
    """The flow of species vectors (`onehot` or `bits`) and their codec; `given` species are fixed."""
    codec = species_codec(representation(species))
    if species == "given":
        return Fixed(), codec
    return Interpolant(settings, "species", codec.width, "atom", "euclidean"), codec
