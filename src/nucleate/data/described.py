"""How a condition is read: its kind, the scale of its numbers or the words of its categories, by a training split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.settings import open_groups, within

WIDE = 100.0
"""Ratio of the largest to the least positive label from which a scale is logarithmic: two decades."""


@dataclass(frozen=True)
class Described:
    """One condition, as a network reads it.

    Attributes:
        kind: a `number`, one `category` of several, or the `elements` of a crystal.
        mean, scale: of the labels, after the logarithm where there is one.
        floor: f in log(1 + x / f), the median of positive labels that span decades; 0 without a logarithm.
        categories: words, whose places are the numbers of the categories.
    """

    kind: Literal["number", "category", "elements"] = "number"
    mean: float = 0.0
    scale: float = 1.0
    floor: float = 0.0
    categories: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        within(self, -1e30, 1e30, "mean", "described.")
        within(self, 1e-30, 1e30, "scale", "described.")
        within(self, 0, 1e30, "floor", "described.")

    @classmethod
    def of_numbers(cls, labels: np.ndarray) -> Described:
        """Of known labels [rows]: standardised, after a logarithm where none is negative and the positive ones span
        more than two decades (from 1 to 99 % of them)."""
        floor, positive = 0.0, labels[labels > 0]
        if labels.min() >= 0 and len(positive):
            low, high = np.quantile(positive, [0.01, 0.99])
            floor = float(np.median(positive)) if high > WIDE * low else 0.0
        shown = np.log1p(labels / floor) if floor else labels
        spread = float(shown.std())
        # six digits, so that files read well; a column of one value has no scale
        return cls(
            "number", _short(float(shown.mean())), _short(spread) if spread > 0 else 1.0, _short(floor)
        )

    @classmethod
    def of_words(cls, words: Sequence[str]) -> Described:
        return cls("category", categories=tuple(words))

    @property
    def width(self) -> int:
        """Columns of a condition in a batch."""
        return MAX_ATOMIC_NUMBER if self.kind == "elements" else 1


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _any_name(name: str) -> type:
    return Described


@dataclass(frozen=True)
class Descriptions:
    """Those of a model's conditions, by name."""

    each: tuple[tuple[str, Described], ...] = open_groups(_any_name)

    def of(self, names: Sequence[str]) -> tuple[tuple[str, Described], ...]:
        """In the order of these names. Raises ValueError where one is not described."""
        known = dict(self.each)
        lacking = [name for name in names if name not in known]
        if lacking:
            raise ValueError(f"the scale of {', '.join(lacking)} is not known before a run has read its data")
        return tuple((name, known[name]) for name in names)


def columns_of(described: Sequence[tuple[str, Described]]) -> tuple[str, ...]:
    """Names of the columns of a batch's `condition`: one for each condition, and one for each element of a system."""
    return tuple(
        name if one.width == 1 else f"{name}:{place + 1}"
        for name, one in described
        for place in range(one.width)
    )
