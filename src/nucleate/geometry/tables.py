"""Constant tables on the device, and in the precision, of the numbers they are used with."""

from __future__ import annotations

import torch
from torch import Tensor


class Table:
    """A constant tensor with one copy for each device and precision in use.

    Copying from the host's memory waits for a GPU, so it is done once, not in every step.
    """

    def __init__(self, values: Tensor) -> None:
        self.values = values
        self._copies: dict[tuple[torch.device, torch.dtype], Tensor] = {}

    def like(self, x: Tensor) -> Tensor:
        """The values on the device and in the precision of x."""
        return self.on(x.device, x.dtype)

    def on(self, device: torch.device, dtype: torch.dtype | None = None) -> Tensor:
        """The values on a device, in their own precision unless another is named."""
        key = device, dtype or self.values.dtype
        if key not in self._copies:
            self._copies[key] = self.values.to(*key)
        return self._copies[key]
