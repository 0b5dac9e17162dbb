"""How good a value is, from 0 to 1: what a part of a reward makes of the number that it measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from nucleate.errors import RecipeError
from nucleate.settings import within

Kind = Literal["as-is", "target", "at-least", "at-most", "saturating"]
Numbers = Float[np.ndarray, " crystals"]
MOST = 1e200
"""Beyond it all values are alike."""
SHAPE_KEYS = ("shape", "value", "width")
"""What a part of a reward file says of its shape."""


@dataclass(frozen=True)
class Shape:
    """A function of a value x with results in [0, 1]; 0 where there is no value (NaN).

    | shape | result |
    |---|---|
    | `as-is` | x, which has to lie in [0, 1] |
    | `target` | exp(-((x - value) / width)^2 / 2) |
    | `at-least` | 1 from `value` on; below it as `target` |
    | `at-most` | 1 up to `value`; above it as `target` |
    | `saturating` | x / (x + value): 0 up to x = 0, half at `value`, never quite 1 |

    Attributes:
        shape: its name.
        value: in the unit of x.
        width: in the unit of x.
    """

    shape: Kind = "as-is"
    value: float | None = None
    width: float | None = None

    def check(self, where: str) -> None:
        """Raise RecipeError for a shape that lacks a number, or has one that nothing reads. where: before names."""
        needed = {"as-is": (), "saturating": ("value",)}.get(self.shape, ("value", "width"))
        for name in ("value", "width"):
            given = getattr(self, name)
            if given is None and name in needed:
                raise RecipeError(
                    f'{where}shape = "{self.shape}" needs {" and ".join(needed)}, and {name} is missing',
                    f"add {where}{name}, in the unit of this part",
                )
            if given is not None and name not in needed:
                raise RecipeError(
                    f'{where}{name} = {given} has no effect on shape = "{self.shape}"',
                    f"leave {where}{name} out, or choose target, at-least, at-most or saturating",
                )
        within(self, 1e-12, 1e12, "width", where)
        within(self, 1e-12 if self.shape == "saturating" else -1e12, 1e12, "value", where)

    def __call__(self, x: Numbers) -> Numbers:
        known = np.nan_to_num(np.asarray(x, dtype=float), nan=0.0, posinf=MOST, neginf=-MOST).clip(
            -MOST, MOST
        )
        return np.where(np.isnan(x), 0.0, self._of(known))

    def _of(self, x: Numbers) -> Numbers:
        if self.shape == "as-is":
            return x.clip(0, 1)
        value = float(self.value or 0.0)
        if self.shape == "saturating":
            x = x.clip(min=0)
            return x / (x + value)
        width = float(self.width or 1.0)
        away = (x - value) / width
        if self.shape == "at-least":
            away = away.clip(max=0)
        elif self.shape == "at-most":
            away = away.clip(min=0)
        return np.exp(-0.5 * away.clip(-1e3, 1e3) ** 2)
