"""EquiCSP: targets that are free of the centre of mass, consistency under a renaming of the cell's axes.

Lin et al. 2024 (ICML), on the processes of DiffCSP (arXiv 2309.04475).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from nucleate.codecs.lattice import lattice_codec
from nucleate.codecs.species import species_codec
from nucleate.networks.cspnet import DIFFCSP, CSPNetSettings
from nucleate.processes.fixed import Fixed
from nucleate.processes.gaussian import Gaussian, GaussianSettings
from nucleate.processes.wrapped_normal import WrappedNormal, WrappedNormalSettings
from nucleate.recipes.base import LossWeights, Parts, Recipe, representation
from nucleate.recipes.diffcsp import DDPM, PUBLISHED_SAMPLER
from nucleate.recipes.sizes import small, tiny
from nucleate.sampling.settings import SamplerSettings
from nucleate.training.settings import TrainingSettings


@dataclass(frozen=True)
class EquiCSP(Recipe):
    """EquiCSP; the defaults are the published settings for MP-20 (step size 5e-6, which is tau = 0.2).

    Attributes:
        species: `given`, or `onehot` for new materials by the settings `species_diffusion`.
    """

    name: str = "equicsp-csp"
    cspnet: CSPNetSettings = DIFFCSP
    frac: WrappedNormalSettings = field(default_factory=lambda: WrappedNormalSettings(centred="circular"))
    lattice: GaussianSettings = DDPM
    species: Literal["given", "onehot"] = "given"
    species_diffusion: GaussianSettings = DDPM
    loss_weights: LossWeights = field(default_factory=lambda: LossWeights(species=20.0, axes=1.0))
    training: TrainingSettings = field(default_factory=lambda: TrainingSettings(weight_decay=0.0))
    sampler: SamplerSettings = replace(PUBLISHED_SAMPLER, tau=0.2)

    def parts(self) -> Parts:
        cells = lattice_codec("log-lengths", standardise=False)
        codec = species_codec(representation(self.species))
        lattice = Gaussian(self.lattice, width=cells.width)
        species = Fixed()
        if self.species == "onehot":
            species = Gaussian(self.species_diffusion, "species", codec.width, "atom")
        return Parts(species, WrappedNormal(self.frac), lattice, cells, codec)


_csp = EquiCSP()
_dng = replace(_csp, name="equicsp-dng", species="onehot")

RECIPES: tuple[EquiCSP, ...] = (_csp, small(_csp), tiny(_csp), _dng, small(_dng), tiny(_dng))
