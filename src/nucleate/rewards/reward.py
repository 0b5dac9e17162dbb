"""A reward: named parts, each with a weight and a shape, combined into one number from 0 to 1, behind gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from nucleate.cell import Cell
from nucleate.errors import RecipeError
from nucleate.identity import canonical
from nucleate.rewards.gates import Gates
from nucleate.rewards.part import Function, Part, Weighted
from nucleate.rewards.predicted import Predicted
from nucleate.rewards.shapes import Numbers

Combine = Literal["product", "mean"]
MOST_WEIGHT = 1000.0


@dataclass(frozen=True, eq=False)
class Scores:
    """What a reward says of some crystals.

    Attributes:
        value: the reward, from 0 to 1. [crystals]
        parts: the value of each part in its unit, NaN where it was not measured. name -> [crystals]
        reasons: which gate stopped a crystal; "" where none did. [crystals]
    """

    value: Numbers
    parts: Mapping[str, Numbers]
    reasons: tuple[str, ...]

    @property
    def calls(self) -> int:
        """How many crystals were measured: gates stop the others before anything is computed of them."""
        return sum(not reason for reason in self.reasons)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, None for NaN."""
        parts = {name: [None if np.isnan(x) else float(x) for x in each] for name, each in self.parts.items()}
        return {"value": self.value.tolist(), "parts": parts, "reasons": list(self.reasons)}

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Scores:
        """Inverse of `to_dict`."""
        parts = {name: np.array(each, dtype=float) for name, each in said["parts"].items()}
        return cls(np.array(said["value"], dtype=float), parts, tuple(said["reasons"]))


class Reward:
    """A number for each crystal. Making one reads all that it needs, so that what is wrong is said at once.

    Attributes:
        parts: what is measured, by name.
        combine: `product` of the parts' shapes to the power of their weights, or their weighted `mean`.
        gates: what makes it zero.
    """

    def __init__(
        self, parts: Mapping[str, Weighted | Part], combine: Combine = "product", gates: Gates = Gates()
    ) -> None:
        if not parts:
            raise RecipeError(
                "a reward has no parts", 'add one, such as [parts.density] with kind = "density"'
            )
        self.parts = {
            name: one if isinstance(one, Weighted) else Weighted(one) for name, one in parts.items()
        }
        self.combine, self.gates = combine, gates
        for name, one in self.parts.items():
            _check(f"parts.{name}.", one)
        self._measures = {name: one.part.opened(f"parts.{name}.") for name, one in self.parts.items()}

    def __call__(self, cells: Sequence[Cell | None]) -> Scores:
        """The rewards of crystals; None, for one that could not be drawn, gets 0."""
        reasons = tuple(self.gates.reason(cell) for cell in cells)
        open_ = [row for row, reason in enumerate(reasons) if not reason]
        passing = [cell for row in open_ if (cell := cells[row]) is not None]
        parts = {name: np.full(len(cells), np.nan) for name in self.parts}
        if passing:
            for name, measure in self._measures.items():
                parts[name][open_] = measure(passing)
        value = np.zeros(len(cells))
        value[open_] = self._combined({name: found[open_] for name, found in parts.items()})
        return Scores(value, parts, reasons)

    def _combined(self, found: Mapping[str, Numbers]) -> Numbers:
        weights = {name: one.weight for name, one in self.parts.items()}
        shaped = {name: one.shape(found[name]) for name, one in self.parts.items()}
        if self.combine == "product":
            return np.prod([each ** weights[name] for name, each in shaped.items()], axis=0)
        return np.sum([each * weights[name] for name, each in shaped.items()], axis=0) / sum(weights.values())

    @property
    def predictors(self) -> dict[str, Predicted]:
        """The predictors among the parts."""
        return {name: one.part for name, one in self.parts.items() if isinstance(one.part, Predicted)}

    @property
    def identity(self) -> str:
        """All that its numbers hang on, in a line for each part."""
        lines = [
            f"{name}: {_text(one.part)} {canonical(one.shape)} weight={one.weight!r} {one.part.identity}".rstrip()
            for name, one in self.parts.items()
        ]
        return "\n".join([*lines, f"{self.combine} {canonical(self.gates)}"])


def _check(where: str, one: Weighted) -> None:
    if not 0 < one.weight <= MOST_WEIGHT:
        raise RecipeError(
            f"{where}weight = {one.weight} is not above 0",
            f"give {where}weight a number up to {MOST_WEIGHT:g}",
        )
    one.shape.check(where)
    if one.shape.shape == "as-is" and not one.part.share:
        raise RecipeError(
            f"{where}shape is missing, and values of the kind {one.part.kind} don't lie between 0 and 1",
            "add shape = target, at-least, at-most or saturating with its value and width",
        )


def _text(part: Part) -> str:
    if isinstance(part, Function):
        return f"Function({getattr(part.call, '__module__', '')}.{getattr(part.call, '__qualname__', '')})"
    return canonical(part)
