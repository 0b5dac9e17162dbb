"""CrystalFlow: flows of coordinates and of a polar lattice from a cube (Luo et al. 2024, arXiv 2412.11693)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from torch import Tensor

from nucleate.arrays import Mask
from nucleate.codecs.lattice import LatticeCodec, lattice_codec
from nucleate.geometry.noise import Noise
from nucleate.processes.interpolant import Base, InterpolantSettings
from nucleate.recipes.base import Components, LossWeights
from nucleate.recipes.flows import cell_flow, coordinate_flow, species_flow
from nucleate.recipes.sizes import small, tiny
from nucleate.recipes.species import SpeciesRecipe
from nucleate.sampling.settings import SamplerSettings
from nucleate.training.settings import TrainingSettings


@dataclass(frozen=True)
class CrystalFlow(SpeciesRecipe):
    """CrystalFlow; the defaults are the published settings for MP-20, without the embedding of the reciprocal lattice,
    and with polar numbers that are standardised.

    As published the lattice has a scale of 0.1, beside coordinates of scale 1. With a small budget a network then does
    not learn to tell prior cells apart: on Perov-5 the loss stays at the prior's variance.

    Attributes:
        species: `given`, or `onehot` for new materials: a flow of one-hot vectors with the settings `species_flow`.
    """

    name: str = "crystalflow-csp"
    frac: InterpolantSettings = field(default_factory=lambda: InterpolantSettings(centred=False))
    lattice: InterpolantSettings = field(default_factory=InterpolantSettings)
    species: Literal["given", "onehot"] = "given"
    species_flow: InterpolantSettings = field(default_factory=InterpolantSettings)
    loss_weights: LossWeights = LossWeights(frac=10 / 12, lattice=1.0, species=10.0)
    training: TrainingSettings = TrainingSettings(weight_decay=0.0, epochs=3000, clip=0.5)
    sampler: SamplerSettings = SamplerSettings(method="ode", steps=100, anneal_frac=5.0)

    def parts(self) -> Components:
        cells = lattice_codec("polar", standardise=True)
        species, codec = species_flow(self.species, self.species_flow)
        lattice = cell_flow(self.lattice, cells, base=near_cubic(cells))
        return Components(species, coordinate_flow(self.frac), lattice, cells, codec)


def near_cubic(codec: LatticeCodec) -> Base:
    """The published prior, in the units of a codec: polar numbers 0.1 wide about a cube whose edge is e Å."""
    polar = lattice_codec("polar", standardise=False)

    def draw(mask: Mask, noise: Noise) -> Tensor:
        raw, sizes = 0.1 * noise.normal(6), mask.sum(1)
        raw[:, 5] += 1
        return codec.encode(polar.to(raw.device).decode(raw, sizes), sizes)

    return draw


_csp = CrystalFlow()
_dng = replace(_csp, name="crystalflow-dng", species="onehot")

RECIPES: tuple[CrystalFlow, ...] = (_csp, small(_csp, 20), tiny(_csp, 20), _dng, small(_dng), tiny(_dng))
