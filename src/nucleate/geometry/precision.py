"""Numbers of low precision are raised before anything is looked up by them or divided by their differences."""

from __future__ import annotations

import torch
from torch import Tensor


def at_least_float32(x: Tensor) -> Tensor:
    """x in float32 if it is bfloat16 or half, else as it is. The spacing of a table is zero in such numbers."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
