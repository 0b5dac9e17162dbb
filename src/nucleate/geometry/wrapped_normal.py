"""The normal distribution wrapped onto the circle: density, derivative, Fisher information.

Sums over images are taken as softmax / logsumexp, so that they are finite for every argument.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from nucleate.geometry.precision import at_least_float32
from nucleate.geometry.tables import Table
from nucleate.geometry.torus import TAU, wrap


def images_for(sigma: float) -> int:
    """Number of images on each side that leaves a neglected weight below e^-40."""
    return max(1, math.ceil((9 * sigma - math.pi) / TAU + 0.5))


def _distances(x: Tensor, images: int) -> Tensor:
    offsets = TAU * torch.arange(-images, images + 1, dtype=x.dtype, device=x.device)
    return wrap(x).unsqueeze(-1) + offsets


def log_density(
    x: Float[Tensor, "..."], sigma: Float[Tensor, "..."], images: int = 3
) -> Float[Tensor, "..."]:
    """log of the wrapped normal density at angle x from its mean, per radian."""
    exponents = -0.5 * (_distances(x, images) / sigma.unsqueeze(-1)) ** 2
    return exponents.logsumexp(-1) - torch.log(sigma * math.sqrt(TAU))


def grad_mean(x: Float[Tensor, "..."], sigma: Float[Tensor, "..."], images: int = 3) -> Float[Tensor, "..."]:
    """Derivative of log density with respect to the *mean*, at angle x from it: +x / sigma^2 for small sigma.

    It is minus the derivative with respect to x.
    """
    distances = _distances(x, images)
    variance = (sigma * sigma).unsqueeze(-1)
    weights = torch.softmax(-0.5 * distances**2 / variance, -1)
    return (weights * distances / variance).sum(-1)


def fisher_information(sigma: Float[Tensor, " n"], nodes: int = 4096) -> Float[Tensor, " n"]:
    """E[grad_mean^2] for each sigma, by the trapezoidal rule on the circle (float64).

    Below sigma = 0.2 the images do not overlap (weight below e^-120) and it is 1 / sigma^2. For large sigma it tends
    to 2 exp(-sigma^2).
    """
    sigma = sigma.double()
    x = (torch.arange(nodes, dtype=torch.float64) / nodes - 0.5) * TAU
    wide = sigma.clamp(min=0.2).unsqueeze(-1)
    images = images_for(float(wide.max()))
    density = log_density(x, wide, images).exp()
    quadrature = (density * grad_mean(x, wide, images) ** 2).sum(-1) * TAU / nodes
    return torch.where(sigma < 0.2, sigma**-2, quadrature)


class FisherRoot:
    """Root of the Fisher information as a function of sigma, interpolated from quadrature up to `widest`.

    The table holds log(sigma^2 * information) at `nodes` values of log sigma from 1e-5, float64, each by quadrature at
    `points` angles.
    """

    def __init__(self, widest: float, nodes: int = 512, points: int = 256) -> None:
        log_sigma = torch.linspace(math.log(1e-5), math.log(widest * 1.001), nodes, dtype=torch.float64)
        sigma = log_sigma.exp()
        self.log_sigma = Table(log_sigma)
        self.log_fisher = Table((fisher_information(sigma, points) * sigma**2).log())
        self.ends = log_sigma[0].item(), log_sigma[-1].item()

    def __call__(self, sigma: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Standard deviation of `grad_mean` at each sigma; widths beyond the table are clamped to its ends. At
        least float32, whatever the precision of sigma."""
        sigma = at_least_float32(sigma)
        log_sigma = sigma.log().clamp(*self.ends)
        grid, table = self.log_sigma.like(sigma), self.log_fisher.like(sigma)
        position = (log_sigma - grid[0]) / (grid[1] - grid[0])
        left = position.floor().long().clamp(0, len(grid) - 2)
        return torch.exp(0.5 * torch.lerp(table[left], table[left + 1], position - left)) / sigma
