"""Group-relative policy gradients: advantages within a group, clipped ratios, and the distance from the base.

GRPO (Shao et al. 2024, arXiv 2402.03300) with the ratio of whole draws or of steps; the clipped objective is that of
PPO (Schulman et al. 2017, arXiv 1707.06347). The distance is (log p - log q)^2 / 2, whose gradient is, over draws of p,
that of the Kullback-Leibler divergence from q (Schulman 2020, joschu.net/blog/kl-approx).
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from nucleate.rewards.shapes import Numbers

LEAST_SPREAD = 1e-6
"""Standard deviation below which a group's rewards are all alike and say nothing."""
PerDraw = Float[Tensor, " draws"]


def advantages(values: Numbers, groups: np.ndarray) -> Numbers:
    """How much better than its group each draw is, in standard deviations of the group; 0 where all are alike.

    values: rewards. [draws] groups: a number for each draw. [draws]
    """
    out = np.zeros(len(values))
    for group in np.unique(groups):
        rows = groups == group
        spread = float(values[rows].std())
        if spread > LEAST_SPREAD:
            out[rows] = (values[rows] - values[rows].mean()) / spread
    return out


def clipped(new: PerDraw, old: PerDraw, advantage: PerDraw, ratio: float) -> PerDraw:
    """-min(r A, clip(r, 1 - ratio, 1 + ratio) A) with r = exp(new - old), log-probabilities."""
    # Beyond this the ratio is clipped anyway, or the draw is as good as impossible.
    r = torch.exp((new - old).clamp(-20, 20))
    return -torch.minimum(r * advantage, r.clamp(1 - ratio, 1 + ratio) * advantage)


def distance(new: PerDraw, base: PerDraw) -> PerDraw:
    """(new - base)^2 / 2, log-probabilities."""
    return 0.5 * (new - base).square()
