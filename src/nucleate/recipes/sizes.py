"""Sizes of the shared network, the same for every recipe: `small` for a CPU, `tiny` for small cells,
`mini` for comparisons, `large` for a GPU.

A recipe without such a suffix has the network and training of the paper.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from nucleate.networks.torus_transformer import TorusTransformerSettings
from nucleate.recipes.base import Recipe
from nucleate.training.settings import TrainingSettings

R = TypeVar("R", bound=Recipe)

SMALL = TorusTransformerSettings(width=192, pair_width=48)
TINY = TorusTransformerSettings(width=128, layers=4, heads=4, pair_width=32, time_width=64)
MINI = TorusTransformerSettings(width=96, layers=3, heads=4, pair_width=24, frequencies=8, time_width=64)
LARGE = TorusTransformerSettings(width=512, layers=8, heads=16, pair_width=128, frequencies=32)
SMALL_TRAINING = TrainingSettings(
    epochs=400,
    batch=64,
    learning_rate=1.5e-3,
    schedule="cooldown",
    warmup=300,
    clip=1.0,
    validate_every=1000,
    checkpoint_every=500,
)
TINY_TRAINING = replace(SMALL_TRAINING, batch=128, learning_rate=2e-3)
MINI_TRAINING = replace(SMALL_TRAINING, learning_rate=2e-3, warmup=100, ema=0.995, slices=1)
LARGE_TRAINING = replace(SMALL_TRAINING, batch=256, epochs=1500, learning_rate=5e-4)


def small(recipe: R, nfe: int = 100) -> R:
    """The recipe with a torus transformer of 3.3 million parameters, and its sampler at a cost of `nfe`.

    20 is enough for annealed flows (`nucleate benchmark cross`, docs/results.md).
    """
    return _sized(recipe, "small", SMALL, SMALL_TRAINING, nfe)


def tiny(recipe: R, nfe: int = 100) -> R:
    """The recipe with a torus transformer of 1 million parameters."""
    return _sized(recipe, "tiny", TINY, TINY_TRAINING, nfe)


def _sized(
    recipe: R, size: str, network: TorusTransformerSettings, training: TrainingSettings, nfe: int
) -> R:
    return replace(
        recipe,
        name=f"{recipe.name}-{size}",
        network="torus-transformer",
        torus_transformer=recipe.suited(network),
        training=training,
        sampler=recipe.sampler_for(nfe),
    )
