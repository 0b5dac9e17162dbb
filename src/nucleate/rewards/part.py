"""What a part of a reward measures: one number for each crystal."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from nucleate.cell import Cell
from nucleate.errors import ModelError
from nucleate.rewards.shapes import Numbers, Shape

Measure = Callable[[Sequence[Cell]], Numbers]
"""A value for each crystal, in its unit; NaN where it has none."""


class Part(ABC):
    """Something that can be measured. A subclass is a frozen dataclass of its settings.

    Attributes:
        kind: by which a reward file names it.
        share: whether its values lie in [0, 1] and need no shape.
    """

    kind: ClassVar[str]
    share: ClassVar[bool] = False

    @abstractmethod
    def opened(self, where: str) -> Measure:
        """What measures, with everything it needs read from the disk.

        where: before the names of its settings in messages. Raises NucleateError for what there is not.
        """

    @property
    def identity(self) -> str:
        """What its values hang on besides its settings, such as a checksum of weights; "" for nothing."""
        return ""


@dataclass(frozen=True)
class Weighted:
    """A part with what is made of its value.

    Attributes:
        part: what is measured.
        shape: how good a value is.
        weight: exponent in a product, weight in a mean.
    """

    part: Part
    shape: Shape = Shape()
    weight: float = 1.0


@dataclass(frozen=True)
class Function(Part):
    """A function of Python.

    Attributes:
        call: a number for each of a list of cells.
    """

    kind: ClassVar[str] = "function"
    share: ClassVar[bool] = True
    call: Callable[[list[Cell]], Any]

    def opened(self, where: str) -> Measure:
        return checked(self.call, getattr(self.call, "__name__", "a function"))


def checked(call: Callable[[list[Cell]], Any], name: str) -> Measure:
    """A function as a measure. It raises ModelError where the function does not give one number for each crystal."""

    def measure(cells: Sequence[Cell]) -> Numbers:
        found = np.asarray(call(list(cells)), dtype=float)
        if found.shape != (len(cells),):
            raise ModelError(
                f"the reward function '{name}' gave numbers of shape {found.shape} for {len(cells)} crystals",
                "it has to give one number for each crystal, NaN where there is none",
            )
        return found

    return measure
