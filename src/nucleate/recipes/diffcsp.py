"""DiffCSP: coordinates by a wrapped-normal diffusion, the lattice as a matrix (Jiao et al. 2023, arXiv 2309.04475)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from nucleate.codecs.base import LatticeCodec
from nucleate.codecs.lattice import lattice_codec
from nucleate.codecs.species import Codes, species_codec
from nucleate.networks.cspnet import DIFFCSP, CSPNetSettings
from nucleate.processes.fixed import Fixed
from nucleate.processes.gaussian import Gaussian, GaussianSettings
from nucleate.processes.wrapped_normal import WrappedNormal, WrappedNormalSettings
from nucleate.recipes.base import Components, LossWeights
from nucleate.recipes.sizes import small, tiny
from nucleate.recipes.species import SpeciesRecipe, representation
from nucleate.sampling.settings import SamplerSettings
from nucleate.training.settings import TrainingSettings

DDPM = GaussianSettings(predicts="epsilon", schedule="cosine")
PUBLISHED_SAMPLER = SamplerSettings(
    method="pc", predictor="em", corrector="expected", corrects="frac", tau=0.4, steps=1000
)
"""tau is the published step size over sigma_min^2: 1e-5 for MP-20 and MPTS-52; 5e-7 (tau 0.02) for Perov-5."""


@dataclass(frozen=True)
class DiffCSP(SpeciesRecipe):
    """DiffCSP; the defaults are the published settings for MP-20. The public code trains with Adam, a plateau schedule
    and clipping by value, without averaged weights; here with AdamW and averaged weights.

    Attributes:
        species: `given`, or `onehot` for new materials, with the settings `species_diffusion`.
    """

    name: str = "diffcsp-csp"
    cspnet: CSPNetSettings = DIFFCSP
    frac: WrappedNormalSettings = field(default_factory=WrappedNormalSettings)
    lattice: GaussianSettings = DDPM
    species: Literal["given", "onehot"] = "given"
    species_diffusion: GaussianSettings = DDPM
    loss_weights: LossWeights = field(default_factory=lambda: LossWeights(species=20.0))
    training: TrainingSettings = field(default_factory=lambda: TrainingSettings(weight_decay=0.0))
    sampler: SamplerSettings = PUBLISHED_SAMPLER

    def cells(self) -> LatticeCodec:
        """The representation of the lattice."""
        return lattice_codec("matrix", standardise=False)

    def parts(self) -> Components:
        cells, codec = self.cells(), species_codec(representation(self.species))
        lattice = Gaussian(self.lattice, width=cells.width)
        species = Fixed()
        if isinstance(codec, Codes):
            species = Gaussian(self.species_diffusion, "species", codec.width, "atom", codec.range)
        return Components(species, WrappedNormal(self.frac), lattice, cells, codec)


_csp = DiffCSP()
_dng = replace(_csp, name="diffcsp-dng", species="onehot", sampler=replace(PUBLISHED_SAMPLER, tau=0.2))

_fast = replace(
    _csp, sampler=SamplerSettings(method="ode", steps=100, anneal_frac=10.0, corrector="expected")
)
"""Sampler of our models: better than the published predictor-corrector at the same cost (docs/results.md)."""

DDPM_OF_DATA = GaussianSettings(predicts="x0", schedule="cosine")
"""Species in small networks: at the start, where the state is all noise, an error of 1 % in the noise of 100 channels
changes the element."""

_lean = replace(_dng, species_diffusion=DDPM_OF_DATA)

RECIPES: tuple[DiffCSP, ...] = (_csp, small(_fast), tiny(_fast), _dng, small(_lean), tiny(_lean))
