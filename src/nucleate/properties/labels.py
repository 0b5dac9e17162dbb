"""The scale on which a property is learned: as it is, or its logarithm where it spans decades."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from nucleate.errors import DataError

Scale = Literal["linear", "log1p", "log"]
SKEW = 2.5
"""Skewness from which labels that are never negative are learned on a logarithmic scale."""
LEAST = 1e-4
"""Labels below this are no smaller on the scale `log`."""


def scale_of(labels: np.ndarray) -> Scale:
    """`log1p` for labels that are never negative and have a long tail, such as critical temperatures; else `linear`."""
    if len(labels) < 3 or labels.min() < 0 or labels.std() == 0:
        return "linear"
    skewness = float(np.mean(((labels - labels.mean()) / labels.std()) ** 3))
    return "log1p" if skewness > SKEW else "linear"


def to_scale(values: Tensor, scale: Scale) -> Tensor:
    """Values in their unit to those on the scale."""
    if scale == "linear":
        return values
    return torch.log1p(values) if scale == "log1p" else values.clamp(min=LEAST).log()


def from_scale(values: Tensor, scale: Scale) -> Tensor:
    """Inverse of `to_scale`; on `log1p` nothing is below zero."""
    if scale == "linear":
        return values
    return torch.expm1(values.clamp(min=0)) if scale == "log1p" else values.exp()


def check_scale(labels: np.ndarray, scale: Scale, name: str) -> None:
    """Raise DataError for labels that have no logarithm."""
    if scale != "linear" and len(labels) and labels.min() < 0:
        raise DataError(
            f"{name} has negative values, down to {labels.min():g}, and no logarithm", "take scale=linear"
        )
