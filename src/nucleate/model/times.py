"""The times at which a diffusion model or flow is trained and validated: even over (0, 1), short of the data."""

from __future__ import annotations

import torch
from torch import Tensor

from nucleate.streams import TIMES, VALIDATION, VALIDATION_TIMES_SEED

EARLIEST_NOISE = 1e-3
"""1 - t of the last time that a loss is taken at."""


def training_times(seed: int, step: int, count: int) -> Tensor:
    """Times of a training step: one of each of `count` equal parts of (0, 1 - EARLIEST_NOISE), in random order."""
    rng = TIMES.generator(seed, step)
    strata = (rng.permutation(count) + rng.random()) / count
    return torch.from_numpy(1 - (EARLIEST_NOISE + (1 - EARLIEST_NOISE) * strata)).float()


def validation_times(count: int) -> Tensor:
    """The middles of the same parts, in an order that is always the same."""
    strata = VALIDATION.generator(VALIDATION_TIMES_SEED).permutation(count)
    return torch.from_numpy(1 - (EARLIEST_NOISE + (1 - EARLIEST_NOISE) * (strata + 0.5) / count)).float()
