"""Our own recipes: KLDM's processes with what taught more for the same cost (docs/results/processes.md, "Experiments").

The matrices of the blocks learn by Muon. Atoms of one element are told apart by their order, which training draws by
orbits (MaskGXT, arXiv 2606.22866). The network is asked besides for sites and space groups, coordinates weigh 3, and
where compositions are given most times that are trained lie in the middle of the way. In long runs a half of the
crystals have another element in the place of one of theirs. New materials have their elements by the middle of the
way, while coordinates are still noise, so that their structures are predicted for compositions as they are where
these are given. The sizes without a suffix are for a GPU, and those of `kldm-mp20-csp` and `kldm-mp20-dng-large`.
"""

from __future__ import annotations

from dataclasses import replace

from nucleate.networks.torus_transformer import TorusTransformerSettings
from nucleate.recipes import kldm
from nucleate.recipes.kldm import KLDM
from nucleate.recipes.sizes import LARGE_TRAINING

GPU = TorusTransformerSettings(layers=8, frequencies=32)
GPU_TRAINING = replace(
    LARGE_TRAINING, batch=1024, edges=1_000_000, slices=1, learning_rate=1.5e-3, weight_decay=0.05, warmup=500,
    ema=0.9995, validate_every=2000, checkpoint_every=1000,
)  # fmt: skip


KNOWN_BY = 0.5
"""Time at which all elements of new materials are known."""
SYMMETRY = 0.1
"""Weight of the sites and space groups that training asks besides."""
LATE = {"start": 0.15, "power": 0.6, "anneal_frac": 20.0, "anneal_lattice": 10.0}
"""Of the sampler of given compositions: no steps where noise hides the crystal (docs/concepts/samplers.md)."""


def learned(recipe: KLDM, name: str) -> KLDM:
    """The recipe with what has been learned, under a name of ours."""
    training = replace(recipe.training, optimiser="muon", order="orbits")
    network = replace(recipe.torus_transformer, index=True)
    weights = replace(recipe.loss_weights, symmetry=SYMMETRY, frac=3.0)
    recipe = replace(recipe, name=name, torus_transformer=network, training=training, loss_weights=weights)
    if recipe.species == "given":
        sampler = replace(recipe.sampler, **LATE)
        return replace(recipe, training=replace(training, times="middle"), sampler=sampler)
    weights = replace(weights, species=1.0)
    return replace(recipe, masked=replace(recipe.masked, known_by=KNOWN_BY), loss_weights=weights)


def for_many_epochs(recipe: KLDM) -> KLDM:
    """With replaced elements in half of the crystals, since cells are learned by heart otherwise.

    Where species are drawn it is a fifth: these crystals teach structures of given compositions alone.
    """
    if recipe.species == "given":
        return replace(recipe, training=replace(recipe.training, replace=0.5))
    return replace(
        recipe, training=replace(recipe.training, replace=0.2), masked=replace(recipe.masked, all_shown=0.0)
    )


def for_a_gpu(recipe: KLDM) -> KLDM:
    return replace(recipe, torus_transformer=recipe.suited(GPU), training=GPU_TRAINING)


_sized = {recipe.name: recipe for recipe in kldm.RECIPES}
_csp, _dng = _sized["kldm-csp-small"], _sized["kldm-dng-masked-small"]

RECIPES: tuple[KLDM, ...] = (
    for_many_epochs(learned(for_a_gpu(_csp), "nucleate-csp")),
    learned(_csp, "nucleate-csp-small"),
    learned(_sized["kldm-csp-tiny"], "nucleate-csp-tiny"),
    for_many_epochs(learned(for_a_gpu(_dng), "nucleate-dng")),
    learned(_dng, "nucleate-dng-small"),
)
