"""The Langevin step that every corrector takes."""

from __future__ import annotations

import torch
from torch import Tensor

from nucleate.arrays import Mask
from nucleate.processes.base import LangevinSettings, as_column


def langevin(
    x: Tensor, score: Tensor, mask: Mask | None, expected: Tensor, size: LangevinSettings, z: Tensor
) -> Tensor:
    """x + delta s + sqrt(2 delta) z with delta = tau / power; a zero score leaves x as it is.

    The power is the mean of s^2 over the crystal (Song et al. 2021, arXiv 2011.13456, algorithm 5, with a step size for
    each crystal) or, under `corrector = expected`, its expectation at this time. The former depends on the state, lacks
    the term that would correct for this, and has a heavy-tailed inverse in small cells.
    """
    if size.corrector == "expected":
        delta = size.tau / expected
    else:
        power = score.square().mean(-1)
        if mask is not None:
            power = power.sum(1) / mask.sum(1).clamp(min=1)
        moves = power > 1e-12
        delta = as_column(torch.where(moves, size.tau / power.clamp(min=1e-12), torch.zeros_like(power)), x)
    return x + delta * score + torch.sqrt(2 * delta) * z
