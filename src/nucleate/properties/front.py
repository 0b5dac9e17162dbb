"""Several aims at once: how far crystals are from each, and which of them none is better than in all (Pareto).

tc=20              near a value
band_gap=1.5..2.5  within a range; 2.. and ..-1 have one end
tc=max, tc=min     as high or as low as can be
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from nucleate.errors import FormulaError


@dataclass(frozen=True)
class Aim:
    """What is wanted of one property.

    Attributes:
        name: of the property.
        low, high: ends of what is as good as can be; equal for a value, infinite where more or less is always better.
    """

    name: str
    low: float
    high: float

    @classmethod
    def read(cls, name: str, asked: Any) -> Aim:
        """From a text, a number or two of them. Raises FormulaError for anything else."""
        text = "..".join(map(str, asked)) if isinstance(asked, tuple | list) else str(asked).strip()
        if text in ("max", "min"):
            end = math.inf if text == "max" else -math.inf
            return cls(name, end, end)
        first, dots, last = text.partition("..")
        try:
            low = float(first) if first.strip() or not dots else -math.inf
            high = (float(last) if last.strip() else math.inf) if dots else low
        except ValueError:
            low, high = 1.0, 0.0
        if not low <= high or (math.isinf(low) and math.isinf(high)):
            raise FormulaError(
                f"{name}={asked} can't be read", "give a number, a range such as 1.5..2.5, max or min"
            )
        return cls(name, low, high)

    def miss(self, values: Float[np.ndarray, " crystals"]) -> Float[np.ndarray, " crystals"]:
        """How far values are from the aim, 0 where they meet it; for max and min the value itself, lower is better."""
        if math.isinf(self.low) and self.low == self.high:
            return -values if self.low > 0 else values
        return np.maximum(0.0, np.maximum(self.low - values, values - self.high))


def aims_of(asked: Mapping[str, Any]) -> tuple[Aim, ...]:
    """An aim for each property. Raises FormulaError for what can't be read."""
    return tuple(Aim.read(name, value) for name, value in asked.items())


def misses(aims: Sequence[Aim], values: Mapping[str, Any]) -> Float[np.ndarray, "crystals aims"]:
    """The miss of each crystal for each aim; NaN where a value is not known."""
    columns = [one.miss(np.array(values[one.name], dtype=float)) for one in aims]
    return np.stack(columns, 1)


def front(missed: Float[np.ndarray, "crystals aims"]) -> Bool[np.ndarray, " crystals"]:
    """Which crystals no other one is at least as good as in all aims and better in one. Those with a NaN are never."""
    known = np.asarray(~np.isnan(missed).any(axis=1))
    found = np.array(known)
    for row in np.flatnonzero(known):
        others = missed[known]
        better = (others <= missed[row]).all(1) & (others < missed[row]).any(1)
        found[row] = not better.any()
    return found
