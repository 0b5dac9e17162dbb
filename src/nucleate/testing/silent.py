"""Noise that must not be drawn, for whatever is declared deterministic."""

from __future__ import annotations

from torch import Tensor

from nucleate.geometry.noise import Noise


class Silent(Noise):
    """Raises AssertionError when a number is drawn."""

    def _bits(self, shape: tuple[int, ...]) -> Tensor:
        raise AssertionError(f"numbers of the shape {shape} were drawn")
