"""Our own recipes: KLDM's processes with what taught more for the same cost (docs/results/processes.md, "Experiments").

The matrices of the blocks learn by Muon. Where the composition is given, atoms of one element are told apart by their
order, which training draws by orbits (MaskGXT, arXiv 2606.22866); in long runs half of the crystals have another
element in the place of one of theirs. The sizes without a suffix are for a GPU, and that of
`kldm-mp20-csp`.
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


def learned(recipe: KLDM, name: str) -> KLDM:
    """The recipe with what has been learned, under a name of ours."""
    training = replace(recipe.training, optimiser="muon")
    if recipe.species != "given":
        return replace(recipe, name=name, training=training)
    network = replace(recipe.torus_transformer, index=True)
    return replace(recipe, name=name, torus_transformer=network, training=replace(training, order="orbits"))


def for_many_epochs(recipe: KLDM) -> KLDM:
    """With replaced elements in half of the crystals, since cells are learned by heart otherwise."""
    return replace(recipe, training=replace(recipe.training, replace=0.5))


def for_a_gpu(recipe: KLDM) -> KLDM:
    return replace(recipe, torus_transformer=recipe.suited(GPU), training=GPU_TRAINING)


_sized = {recipe.name: recipe for recipe in kldm.RECIPES}
_csp, _dng = _sized["kldm-csp-small"], _sized["kldm-dng-masked-small"]

RECIPES: tuple[KLDM, ...] = (
    for_many_epochs(learned(for_a_gpu(_csp), "nucleate-csp")),
    learned(_csp, "nucleate-csp-small"),
    learned(_sized["kldm-csp-tiny"], "nucleate-csp-tiny"),
    learned(for_a_gpu(_dng), "nucleate-dng"),
    learned(_dng, "nucleate-dng-small"),
)
