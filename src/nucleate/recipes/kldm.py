"""KLDM: kinetic Langevin diffusion for crystals (Cornet, Bergamin et al. 2025, arXiv 2507.03602)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from nucleate.codecs.lattice import lattice_codec
from nucleate.codecs.species import species_codec
from nucleate.processes.base import Process
from nucleate.processes.fixed import Fixed
from nucleate.processes.gaussian import Gaussian, GaussianSettings
from nucleate.processes.kinetic import Kinetic, KineticSettings
from nucleate.processes.masked import Masked, MaskedSettings
from nucleate.recipes.base import Components, LossWeights
from nucleate.recipes.sizes import LARGE, LARGE_TRAINING, SMALL, SMALL_TRAINING, TINY, TINY_TRAINING
from nucleate.recipes.species import SpeciesRecipe, representation
from nucleate.sampling.settings import SamplerSettings

CODE_SAMPLER = SamplerSettings(method="pc", steps=1000, corrector="crystal")
"""The predictor-corrector of the public code. The step of its corrector depends on each crystal's own score, which
leaves the lattice too wide whatever the number of steps (docs/concepts/samplers.md)."""

OWN_SAMPLER = replace(CODE_SAMPLER, corrector="expected")
"""The same with the expected score in the step: unbiased with the exact score. Of 200 validation crystals of Perov-5 it
matched 61.5 % instead of 55.0 %; of MP-20 as many, at an RMSE of 0.187 instead of 0.219 (docs/results.md)."""

PAPER_SAMPLER = SamplerSettings(
    method="pc", steps=1000, order="predictor-first", corrector="crystal", corrects="frac", drift_in_corrector=False,
    predictor_lattice="em", predictor_species="em", euler=True,
)  # fmt: skip
"""The predictor-corrector of the paper's text (algorithm 4): the corrector comes second and moves the velocities alone;
everything else takes plain Euler-Maruyama steps. tau is the code's; the paper gives none."""


@dataclass(frozen=True)
class KLDM(SpeciesRecipe):
    """KLDM; the defaults are the paper's table for crystal structure prediction (appendix I: all loss weights are 1
    for CSP; those of the species 20, 1 or 0.33 for DNG).

    Attributes:
        standardise: fit the statistics of the lattice codec to the training split, as for the paper's x0 model.
        cell: the representation of the lattice (`nucleate.codecs.lattice`): `log-lengths` as published, or `polar`, the
            logarithm of the metric tensor, smooth in cells of any shape.
        species: `given` for crystal structure prediction; for new materials diffusion of one-hot vectors (`onehot`) or
            analog bits (`bits`) with the settings `species_diffusion`, or masked diffusion (`masked`).
    """

    name: str = "kldm-csp"
    standardise: bool = True
    cell: Literal["log-lengths", "polar"] = "log-lengths"
    frac: KineticSettings = field(default_factory=KineticSettings)
    lattice: GaussianSettings = field(default_factory=GaussianSettings)
    species: Literal["given", "onehot", "bits", "masked"] = "given"
    species_diffusion: GaussianSettings = field(default_factory=GaussianSettings)
    masked: MaskedSettings = field(default_factory=MaskedSettings)
    sampler: SamplerSettings = OWN_SAMPLER

    @property
    def samplers(self) -> dict[str, SamplerSettings]:
        return {"paper": PAPER_SAMPLER, "code": CODE_SAMPLER}

    def parts(self) -> Components:
        codec = species_codec(representation(self.species))
        cells = lattice_codec(self.cell, standardise=self.standardise)
        lattice = Gaussian(self.lattice, width=cells.width)
        return Components(self._species(codec.width), Kinetic(self.frac), lattice, cells, codec)

    def _species(self, width: int) -> Process:
        if self.species == "given":
            return Fixed()
        if self.species == "masked":
            return Masked(self.masked)
        return Gaussian(self.species_diffusion, "species", width, "atom")


FAST = SamplerSettings(method="multistep", steps=20, anneal_frac=5.0, corrector="expected")
"""Sampler of our models: of 1,000 MP-20 validation crystals it matches 34.0 % at an RMSE of 0.118, the published
predictor-corrector 30.0 % at 0.155 with ten times the evaluations (docs/results.md)."""

_paper = KLDM()
_small = KLDM(
    name="kldm-csp-small",
    network="torus-transformer",
    torus_transformer=SMALL,
    frac=KineticSettings(horizon=3.0, shown="rest"),
    loss_weights=LossWeights(lattice=2.0),
    training=SMALL_TRAINING,
    sampler=FAST,
)


def _new_materials(species: str, weight: float) -> tuple[KLDM, KLDM]:
    """The paper's recipe for new materials and its small version, for one way to draw species."""
    paper = replace(
        _paper, name=f"kldm-dng-{species}", species=species, loss_weights=LossWeights(species=weight)
    )
    small = replace(
        _small,
        name=f"{paper.name}-small",
        species=species,
        torus_transformer=paper.suited(SMALL),
        loss_weights=LossWeights(lattice=2.0, species=weight),
        masked=MaskedSettings(all_shown=0.2),
        sampler=replace(FAST, steps=50, anneal_frac=2.0),
    )
    return paper, small


RECIPES: tuple[KLDM, ...] = (
    _paper,
    replace(_paper, name="kldm-csp-epsilon", standardise=False, lattice=GaussianSettings(predicts="epsilon")),
    _small,
    replace(_small, name="kldm-csp-tiny", torus_transformer=TINY, training=TINY_TRAINING),
    replace(_small, name="kldm-csp-large", torus_transformer=LARGE, training=LARGE_TRAINING),
    *_new_materials("onehot", 20.0),
    *_new_materials("bits", 1.0),
    *_new_materials("masked", 0.33),
)
