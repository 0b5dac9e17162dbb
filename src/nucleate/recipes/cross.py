"""Any process of the coordinates with any process of the lattice, on one network, to compare the pairs.

The rows and columns of `nucleate benchmark cross`. Each part is as in its paper, with targets scaled to about unit
variance, so that equal loss weights mean the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from nucleate.codecs.base import LatticeCodec
from nucleate.codecs.lattice import lattice_codec
from nucleate.processes.base import Process
from nucleate.processes.fixed import Fixed
from nucleate.processes.gaussian import Gaussian, GaussianSettings
from nucleate.processes.interpolant import InterpolantSettings
from nucleate.processes.kinetic import Kinetic, KineticSettings
from nucleate.processes.masked import Masked, MaskedSettings
from nucleate.processes.wrapped_normal import WrappedNormal, WrappedNormalSettings
from nucleate.recipes.base import Components, LossWeights
from nucleate.recipes.flows import cell_flow, coordinate_flow
from nucleate.recipes.sizes import MINI, MINI_TRAINING, SMALL, SMALL_TRAINING, TINY, TINY_TRAINING
from nucleate.recipes.species import SpeciesRecipe
from nucleate.sampling.settings import SamplerSettings

ROOT_GAMMA = InterpolantSettings(
    gamma="root",
    gamma_scale=0.02,
    epsilon="vanishing",
    epsilon_scale=1.0,
    epsilon_mid=0.2,
    epsilon_width=0.04,
)

COORDINATES: dict[str, Callable[[], Process]] = {
    "kinetic": lambda: Kinetic(KineticSettings(horizon=3.0, shown="rest")),
    "wrapped-normal": lambda: WrappedNormal(WrappedNormalSettings()),
    "wrapped-normal-circular": lambda: WrappedNormal(WrappedNormalSettings(centred="circular")),
    "geodesic": lambda: coordinate_flow(InterpolantSettings()),
    "interpolant": lambda: coordinate_flow(ROOT_GAMMA),
}


def _vp_x0() -> tuple[LatticeCodec, Process]:
    """KLDM's: standardised log lengths and tangents; predicts the clean data."""
    codec = lattice_codec("log-lengths", standardise=True)
    return codec, Gaussian(GaussianSettings(), width=codec.width)


def _ddpm_epsilon() -> tuple[LatticeCodec, Process]:
    """DiffCSP's: the matrix; predicts the noise; cosine schedule."""
    codec = lattice_codec("matrix", standardise=False)
    return codec, Gaussian(GaussianSettings(predicts="epsilon", schedule="cosine"), width=codec.width)


def _informed_flow() -> tuple[LatticeCodec, Process]:
    """FlowMM's: lengths and logit angles, a flow from informed cells."""
    codec = lattice_codec("logit-angles", standardise=True, informed=True)
    return codec, cell_flow(InterpolantSettings(), codec)


CELLS: dict[str, Callable[[], tuple[LatticeCodec, Process]]] = {
    "vp-x0": _vp_x0,
    "ddpm-epsilon": _ddpm_epsilon,
    "informed-flow": _informed_flow,
}


@dataclass(frozen=True)
class Cross(SpeciesRecipe):
    """A composition by the names of its parts.

    Attributes:
        coordinates: one of COORDINATES.
        cell: one of CELLS.
        species: `given`, or `masked` for new materials.
    """

    name: str = "cross"
    network: str = "torus-transformer"
    coordinates: Literal[
        "kinetic", "wrapped-normal", "wrapped-normal-circular", "geodesic", "interpolant"
    ] = "kinetic"
    cell: Literal["vp-x0", "ddpm-epsilon", "informed-flow"] = "vp-x0"
    species: Literal["given", "masked"] = "given"
    masked: MaskedSettings = field(default_factory=MaskedSettings)
    loss_weights: LossWeights = LossWeights(species=0.33)
    sampler: SamplerSettings = SamplerSettings(method="ode", steps=100, corrector="expected")

    def parts(self) -> Components:
        codec, lattice = CELLS[self.cell]()
        species = Masked(self.masked) if self.species == "masked" else Fixed()
        return Components(species, COORDINATES[self.coordinates](), lattice, codec)


_cross = Cross(torus_transformer=SMALL, training=SMALL_TRAINING)

RECIPES: tuple[Cross, ...] = (
    _cross,
    replace(_cross, name="cross-tiny", torus_transformer=TINY, training=TINY_TRAINING),
    replace(_cross, name="cross-mini", torus_transformer=MINI, training=MINI_TRAINING),
)
