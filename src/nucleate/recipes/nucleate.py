"""Our own recipe: KLDM's processes with what taught more for the same cost in docs/results/processes.md, "Experiments".

Atoms of one element are told apart by their order, which training draws by orbits (MaskGXT, arXiv 2606.22866). The size
without a suffix is for a GPU, and that of `kldm-mp20-csp`.
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


def learned(recipe: KLDM) -> KLDM:
    """The recipe with what has been learned, under our name."""
    return replace(
        recipe,
        name=recipe.name.replace("kldm-", "nucleate-"),
        torus_transformer=replace(recipe.torus_transformer, index=True),
        training=replace(recipe.training, order="orbits"),
    )


_sized = {recipe.name: recipe for recipe in kldm.RECIPES}
_small = _sized["kldm-csp-small"]

RECIPES: tuple[KLDM, ...] = (
    learned(replace(_small, name="kldm-csp", torus_transformer=GPU, training=GPU_TRAINING)),
    learned(_small),
    learned(_sized["kldm-csp-tiny"]),
)
