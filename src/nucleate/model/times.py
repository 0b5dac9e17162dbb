"""The times at which a diffusion model or flow is trained and validated: even over (0, 1), short of the data.

`middle` trains four of five times where noise and data are alike: logit-normal (Esser et al. 2024, arXiv 2403.03206,
with mean 0 and width 1), and the rest even, so that no time is left out.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from nucleate.streams import TIMES, VALIDATION, VALIDATION_TIMES_SEED

Times = Literal["even", "middle"]
EVEN_SHARE = 0.2
EARLIEST_NOISE = 1e-3
"""1 - t of the last time that a loss is taken at."""


def training_times(seed: int, step: int, count: int, times: Times = "even") -> Tensor:
    """Times of a training step: one of each of `count` equally likely parts of (0, 1 - EARLIEST_NOISE), in random
    order."""
    rng = TIMES.generator(seed, step)
    strata = (rng.permutation(count) + rng.random()) / count
    if times == "middle":
        strata = _spread(torch.from_numpy(strata)).numpy()
    return torch.from_numpy(1 - (EARLIEST_NOISE + (1 - EARLIEST_NOISE) * strata)).float()


def _spread(share: Tensor) -> Tensor:
    """Quantiles of the mixture: a share below EVEN_SHARE is spread evenly, the rest by the logit-normal law."""
    middle = torch.sigmoid(torch.special.ndtri((share - EVEN_SHARE).clamp(min=0) / (1 - EVEN_SHARE)))
    return torch.where(share < EVEN_SHARE, share / EVEN_SHARE, middle)


def validation_times(count: int) -> Tensor:
    """The middles of the same parts, in an order that is always the same."""
    strata = VALIDATION.generator(VALIDATION_TIMES_SEED).permutation(count)
    return torch.from_numpy(1 - (EARLIEST_NOISE + (1 - EARLIEST_NOISE) * (strata + 0.5) / count)).float()
