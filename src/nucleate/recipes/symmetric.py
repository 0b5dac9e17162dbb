"""Recipes that are trained under the space group of each crystal: DiffCSP++ and others of the published ones.

DiffCSP++ (Jiao et al. 2024, arXiv 2402.03992) draws the noise of an orbit at one atom and carries it to the others, in
conventional cells, whose logarithm has channels that a crystal family leaves free. Here cells are primitive ones, the
orbit's noise is the mean over all operations (`nucleate.symmetry.projection`), and channels keep to the plane of cells
with the symmetry (`nucleate.model.symmetric_cells`); network, processes and weights are the paper's.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from nucleate.codecs.base import LatticeCodec
from nucleate.codecs.lattice import lattice_codec
from nucleate.recipes import flowmm, kldm, omatg
from nucleate.recipes.base import Recipe
from nucleate.recipes.diffcsp import PUBLISHED_SAMPLER, DiffCSP
from nucleate.recipes.sizes import small, tiny
from nucleate.sampling.settings import SamplerSettings
from nucleate.training.settings import TrainingSettings


@dataclass(frozen=True)
class DiffCSPPlusPlus(DiffCSP):
    """DiffCSP++ for structure prediction; the defaults are the published settings for MP-20 (tau as of DiffCSP)."""

    name: str = "diffcsp-pp-csp"
    training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(weight_decay=0.0, symmetry=True)
    )
    sampler: SamplerSettings = PUBLISHED_SAMPLER

    def cells(self) -> LatticeCodec:
        return lattice_codec("polar", standardise=False)


def symmetric(recipe: Recipe) -> Recipe:
    """The recipe trained under symmetry, `-symmetric` after the model's name and before its size."""
    model, csp, size = recipe.name.partition("-csp")
    training = replace(recipe.training, symmetry=True)
    return replace(recipe, name=f"{model}{csp}-symmetric{size}", training=training)


_published = DiffCSPPlusPlus()
_fast = replace(
    _published, sampler=SamplerSettings(method="ode", steps=100, anneal_frac=10.0, corrector="expected")
)
CARRIED = tuple(f"{model}-csp{size}" for model in ("kldm", "flowmm", "omatg") for size in ("", "-small"))

RECIPES: tuple[Recipe, ...] = (
    _published,
    *(replace(one, training=replace(one.training, symmetry=True)) for one in (small(_fast), tiny(_fast))),
    *(
        symmetric(recipe)
        for module in (kldm, flowmm, omatg)
        for recipe in module.RECIPES
        if recipe.name in CARRIED
    ),
)
