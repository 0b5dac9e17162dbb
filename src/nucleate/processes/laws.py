"""Log-densities of a step's normal law, in space and on the torus, summed over each crystal."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nucleate.arrays import Mask, PerCrystal
from nucleate.geometry import wrapped_normal
from nucleate.geometry.torus import TAU

LEAST_WIDTH = 1e-12


def of_crystals(each: Tensor, mask: Mask | None) -> PerCrystal:
    """The sum over the numbers of each crystal; those of real atoms where there is a mask."""
    if mask is not None:
        each = each * mask.reshape(*mask.shape, *(1,) * (each.ndim - 2))
    return each.flatten(1).sum(1)


def normal(x: Tensor, mean: Tensor, width: Tensor, mask: Mask | None) -> PerCrystal:
    """Of normal numbers; 0 where the width is 0 and nothing is drawn. width: standard deviation, broadcast."""
    safe = width.clamp(min=LEAST_WIDTH)
    each = -0.5 * ((x - mean) / safe) ** 2 - torch.log(safe * math.sqrt(TAU))
    return of_crystals(torch.where(width > 0, each, 0.0), mask)


def wrapped(x: Tensor, mean: Tensor, width: Tensor, period: float, mask: Mask) -> PerCrystal:
    """As `normal`, on a circle of this length."""
    turn = TAU / period
    safe = (turn * width).expand_as(mean).clamp(min=LEAST_WIDTH)
    images = wrapped_normal.images_for(float(safe.max()))
    each = wrapped_normal.log_density(turn * (x - mean), safe, images) + math.log(turn)
    return of_crystals(torch.where(width > 0, each, 0.0), mask)
