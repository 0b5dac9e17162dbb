"""Coefficients of stochastic interpolants as functions of time: x_t = alpha x0 + beta x1 + gamma z, and epsilon.

Albergo, Boffi and Vanden-Eijnden 2023 (arXiv 2303.08797); the choices are those of OMatG (arXiv 2502.02582), with its
variance-preserving path for tau = t and its encoder-decoder switching at t = 1/2. Every function takes times in [0, 1]
of any shape and gives values of that shape. The derivative of gamma is never needed: see interpolant.py.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

PathName = Literal["linear", "trigonometric", "encoder-decoder", "vp", "ve"]
GammaName = Literal["none", "root", "squared-sine"]
EpsilonName = Literal["constant", "vanishing"]

LATEST = 1 - 1e-3
"""The slope of alpha in `vp` and `ve` diverges at the data as (1 - t)^(-1/2), and is taken no later than here."""


def path(name: PathName, t: Tensor, sigmas: tuple[float, float] = (0.005, 0.5)) -> tuple[Tensor, Tensor]:
    """alpha and beta.

    linear (1 - t, t); trigonometric (cos, sin)(pi t / 2); encoder-decoder cos^2(pi t), for the prior in the first half
    and for the data in the second; vp (sqrt(1 - t^2), t); ve (sqrt(sigma(t)^2 - sigmas[0]^2), 1) with sigma falling
    geometrically from sigmas[1] to sigmas[0].
    """
    if name == "linear":
        return 1 - t, t
    if name == "trigonometric":
        return torch.cos(0.5 * math.pi * t), torch.sin(0.5 * math.pi * t)
    if name == "encoder-decoder":
        weight, first = torch.cos(math.pi * t) ** 2, t <= 0.5
        return weight * first, weight * ~first
    if name == "vp":
        return torch.sqrt((1 - t) * (1 + t)), t
    least, growth = sigmas[0], 2 * (1 - t) * math.log(sigmas[1] / sigmas[0])
    return least * torch.sqrt(torch.expm1(growth)), torch.ones_like(t)


def path_slopes(
    name: PathName, t: Tensor, sigmas: tuple[float, float] = (0.005, 0.5)
) -> tuple[Tensor, Tensor]:
    """Derivatives of alpha and beta with respect to t."""
    one = torch.ones_like(t)
    if name == "linear":
        return -one, one
    if name == "trigonometric":
        half = 0.5 * math.pi
        return -half * torch.sin(half * t), half * torch.cos(half * t)
    if name == "encoder-decoder":
        slope, first = -math.pi * torch.sin(2 * math.pi * t), t <= 0.5
        return slope * first, slope * ~first
    t = t.clamp(max=LATEST)
    alpha, _ = path(name, t, sigmas)
    if name == "vp":
        return -t / alpha, one
    rate = math.log(sigmas[1] / sigmas[0])
    return -rate * (alpha + sigmas[0] ** 2 / alpha), 0 * one


def progress(name: PathName, t: Tensor) -> tuple[Tensor, Tensor]:
    """s and its derivative for the displacement form x0 + s D: t for linear, sin^2(pi t / 2) for trigonometric."""
    if name == "linear":
        return t, torch.ones_like(t)
    if name == "trigonometric":
        return torch.sin(0.5 * math.pi * t) ** 2, 0.5 * math.pi * torch.sin(math.pi * t)
    raise ValueError(f"path = {name} has no displacement form; use linear or trigonometric")


def gamma(name: GammaName, t: Tensor, scale: float) -> Tensor:
    """Width of the noise, zero at both ends: sqrt(scale t (1 - t)) or sqrt(scale) sin^2(pi t)."""
    if name == "root":
        return torch.sqrt(scale * t * (1 - t))
    if name == "squared-sine":
        # sin(pi) is not zero in float32.
        return math.sqrt(scale) * torch.sin(math.pi * torch.minimum(t, 1 - t)) ** 2
    return torch.zeros_like(t)


def epsilon(name: EpsilonName, t: Tensor, scale: float, mid: float, width: float) -> Tensor:
    """Strength of the sampler's noise: constant, or falling off within `width` around `mid` and 1 - `mid`."""
    if name == "constant":
        return torch.full_like(t, scale)
    return scale * torch.sigmoid((t - mid) / width) * torch.sigmoid((1 - mid - t) / width)
