"""Low precision is raised before numbers serve as places in a table or their differences as divisors."""

from __future__ import annotations

import torch
from torch import Tensor


def at_least_float32(x: Tensor) -> Tensor:
    """x in float32 if it is bfloat16 or half, else as it is. In these the spacing of a table can be zero."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
