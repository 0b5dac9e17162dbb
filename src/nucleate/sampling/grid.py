"""Time grids of samplers."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from nucleate.sampling.settings import SamplerSettings

LARGEST_SIGMA, LEAST_SIGMA = 80.0, 0.002


def time_grid(settings: SamplerSettings) -> Float[Tensor, " times"]:
    """Times from `start` (noise) to 1 - noise_left, [steps + 1], float64."""
    share = torch.linspace(1, 0, settings.steps + 1, dtype=torch.float64)
    u = share**settings.power if settings.grid == "power" else _karras(share, settings.power)
    return 1 - (settings.noise_left + (1 - settings.start - settings.noise_left) * u)


def _karras(share: Tensor, rho: float) -> Tensor:
    """u = sigma / (1 + sigma), stretched so that it begins at 1; the last level is 0."""
    first, last = LARGEST_SIGMA ** (1 / rho), LEAST_SIGMA ** (1 / rho)
    steps = len(share) - 1
    place = torch.arange(steps, dtype=torch.float64) / max(steps - 1, 1)
    sigma = (first + place * (last - first)) ** rho
    u = sigma / (1 + sigma)
    return torch.cat([u / u[0], u.new_zeros(1)])
