"""The flat torus of coordinates, in radians, and the zero-net-translation constraint."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from nucleate.arrays import PerAtom

TAU = 2 * math.pi


def wrap(angle: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """The representative of an angle in [-pi, pi)."""
    return torch.remainder(angle + math.pi, TAU) - math.pi


def centre(x: PerAtom, mask: Bool[Tensor, "crystals atoms"]) -> PerAtom:
    """x minus its mean over the real atoms of each crystal; zero in padding. A cell of one atom gives zero."""
    real = mask.unsqueeze(-1).to(x.dtype)
    mean = (x * real).sum(1, keepdim=True) / real.sum(1, keepdim=True).clamp(min=1)
    return (x - mean) * real
