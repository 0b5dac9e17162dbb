"""Whether a property is where it is wanted, given how uncertain it is.

A search that looks at predictions alone collects what is predicted too well: of many candidates those with the largest
errors in the wanted direction come first. What counts here is the share of a candidate's interval that lies in the
target. One whose interval only reaches into the target, or is much longer than the target, is near it for no other
reason than that little is known about it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from nucleate.errors import NucleateError

Where = Literal["on target", "only uncertain", "off target"]


@dataclass(frozen=True)
class Aim:
    """A target for a property, and how sure one wants to be.

    Attributes:
        low, high: ends of the target, in the property's unit; infinite for none.
        share: of the interval that must lie in the target; with 0.5 and a target without an end, the prediction itself
            must lie in it.
    """

    low: float = -math.inf
    high: float = math.inf
    share: float = 0.5

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise NucleateError(
                f"a target from {self.low:g} to {self.high:g} holds nothing", "give the lower end first"
            )
        if not 0 < self.share <= 1:
            raise NucleateError(
                f"the share of an interval in the target must be above 0 and at most 1; got {self.share:g}",
                "0.5 is usual; 1 asks that the whole interval lies in the target",
            )

    def inside(self, low: float, high: float) -> float:
        """The share of an interval that lies in the target, 0 to 1; of a point: whether it does."""
        if high <= low:
            return float(self.low <= low <= self.high)
        return max(0.0, min(high, self.high) - max(low, self.low)) / (high - low)

    def judge(self, low: float, high: float) -> Where:
        """Where a candidate with this interval stands."""
        inside = self.inside(low, high)
        if inside == 0:
            return "off target"
        return "on target" if inside >= self.share else "only uncertain"
