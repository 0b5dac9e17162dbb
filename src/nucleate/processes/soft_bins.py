"""A distribution over displacements on the circle as a network's answer, in the place of one number (soft bins).

Displacements r are measured by their reach, r = reach * u with u in [-1, 1): four standard deviations of the noise, and
at most half the circle, so that the same bins serve all times. The network gives logits of `count` bins of u on each
axis. It learns by cross-entropy with a normal distribution of one bin's width about the truth (Imani and White 2018,
arXiv 1806.04613; for coordinates of crystals MaskGXT, arXiv 2606.22866), and a step takes the mean of what is asked for
over the bins. Where a crystal has several ways to the data, the network need not find their mean, only each of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

REACH = 4.0
"""Standard deviations of the noise that the bins cover."""


class SoftBins:
    """Bins of the displacements of `axes` coordinates. Logits are [crystals, atoms, axes * count]."""

    def __init__(self, count: int, axes: int = 3) -> None:
        self.count, self.axes = count, axes
        self.width = count * axes

    def reach(self, sigma: Tensor) -> Tensor:
        """The largest displacement in the bins, radians, for noise of this width."""
        return (REACH * sigma).clamp(max=math.pi)

    def centres(self, like: Tensor) -> Tensor:
        """Middles of the bins in units of the reach. [count]"""
        return (torch.arange(self.count, device=like.device, dtype=like.dtype) + 0.5) * 2 / self.count - 1

    def probabilities(self, logits: Tensor) -> Tensor:
        """[crystals, atoms, axes, count]"""
        return torch.softmax(logits.float().unflatten(-1, (self.axes, self.count)), -1)

    def mean(self, logits: Tensor, asked: Callable[[Tensor, Tensor], Tensor], sigma: Tensor) -> Tensor:
        """The mean of `asked`, a function of displacements and sigma, over the bins. [crystals, atoms, axes]

        sigma: [crystals, 1, 1].
        """
        middles = self.reach(sigma) * self.centres(sigma)
        return (self.probabilities(logits) * asked(middles, sigma).unsqueeze(2)).sum(-1)

    def divergence(self, logits: Tensor, displacements: Tensor, sigma: Tensor) -> Tensor:
        """Kullback-Leibler divergence of the answer from the truth, which is soft by a bin's width. [crystals, atoms]

        A mean over axes; 0 for the best answer to a single truth.
        """
        place = (displacements / self.reach(sigma)).unsqueeze(-1)
        away = torch.remainder(place - self.centres(place) + 1, 2) - 1
        soft = torch.log_softmax(-0.5 * (away * self.count / 2) ** 2, -1)
        answer = torch.log_softmax(logits.float().unflatten(-1, (self.axes, self.count)), -1)
        return (soft.exp() * (soft - answer)).sum(-1).mean(-1)
