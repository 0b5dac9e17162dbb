"""OMatG: stochastic interpolants of coordinates, lattice and species (Hoellmer et al. 2025, arXiv 2502.02582).

Three of the tuned settings that are public: the linear flow and the trigonometric stochastic one for structure
prediction, and the linear stochastic one with discrete flow matching for new materials, all for MP-20.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from nucleate.codecs.lattice import lattice_codec
from nucleate.processes.fixed import Fixed
from nucleate.processes.interpolant import InterpolantSettings
from nucleate.processes.masked import Masked, MaskedSettings
from nucleate.recipes.base import Components, LossWeights
from nucleate.recipes.flows import cell_flow, coordinate_flow
from nucleate.recipes.sizes import small, tiny
from nucleate.recipes.species import SpeciesRecipe
from nucleate.sampling.settings import SamplerSettings
from nucleate.training.settings import TrainingSettings


@dataclass(frozen=True)
class OMatG(SpeciesRecipe):
    """OMatG; the defaults are the public `Linear-ODE` settings for MP-20.

    The published loss weights (coordinates .99941, lattice .00059) are for raw units: cell units and Å. Here targets
    of the coordinates have unit variance, which divides their weight by 12.

    Attributes:
        species: `given`, or `masked` for new materials: discrete flow matching with the settings `masked`.
    """

    name: str = "omatg-csp"
    frac: InterpolantSettings = field(default_factory=InterpolantSettings)
    lattice: InterpolantSettings = field(default_factory=InterpolantSettings)
    species: Literal["given", "masked"] = "given"
    masked: MaskedSettings = MaskedSettings(weight="flat", remask=0.189)
    loss_weights: LossWeights = LossWeights(frac=1.0, lattice=0.007)
    training: TrainingSettings = TrainingSettings(
        learning_rate=6.69e-4, weight_decay=0.0, batch=1024, epochs=2000, clip=0.5
    )
    sampler: SamplerSettings = SamplerSettings(
        method="ode", steps=210, anneal_frac=10.18, anneal_lattice=1.824
    )

    def parts(self) -> Components:
        cells = lattice_codec("matrix", standardise=False, informed=True, angles=(60.0, 120.0))
        species = Masked(self.masked) if self.species == "masked" else Fixed()
        return Components(species, coordinate_flow(self.frac), cell_flow(self.lattice, cells), cells)


_csp = OMatG()
_trigonometric = replace(
    _csp,
    name="omatg-csp-trigonometric",
    frac=InterpolantSettings(
        path="trigonometric", gamma="root", gamma_scale=0.0492, epsilon="vanishing", epsilon_scale=9.419,
        epsilon_mid=0.197, epsilon_width=0.040, noise_weight=2.93,
    ),
    loss_weights=LossWeights(frac=1.0, lattice=0.0102),
    sampler=SamplerSettings(method="em", steps=740),
)  # fmt: skip
_dng = replace(
    _csp,
    name="omatg-dng",
    species="masked",
    frac=InterpolantSettings(
        gamma="root", gamma_scale=0.01816, epsilon="vanishing", epsilon_scale=9.75, epsilon_mid=0.172,
        epsilon_width=0.0294, noise_weight=2.07, coupling="min-permutation",
    ),
    loss_weights=LossWeights(frac=1.0, lattice=0.0041, species=0.377),
    training=TrainingSettings(
        learning_rate=1.97e-4, weight_decay=3.1e-4, schedule="cosine", batch=512, epochs=2000, clip=0.5
    ),
    sampler=SamplerSettings(method="em", steps=710, anneal_frac=6.33, anneal_lattice=1.067),
)  # fmt: skip
_calm = replace(_trigonometric, sampler=SamplerSettings(method="ode", steps=100, anneal_frac=2.0))
"""Sampler of our models: a lower RMSE than the published `em` at half its cost (docs/results.md)."""

RECIPES: tuple[OMatG, ...] = (
    _csp, small(_csp, 20), tiny(_csp, 20), _trigonometric, small(_calm, 50), tiny(_calm, 50),
    _dng, small(_dng), tiny(_dng),
)  # fmt: skip
