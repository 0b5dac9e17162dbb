"""Seconds that the answers to a composition may take: asked of the clock between batches of draws and by the race.

What is done within a budget depends on the machine. It is recorded with each answer what was cut short.
"""

from __future__ import annotations

from math import inf
from time import perf_counter


class Budget:
    """A clock that runs from its construction.

    Attributes:
        seconds: that may be spent, 0 for any number.
        cut: what was left out because they were spent, in the order it happened.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds, self.cut = seconds, list[str]()
        self._start = perf_counter()

    @property
    def left(self) -> float:
        """Seconds that are left, infinite without a limit."""
        return self.seconds - (perf_counter() - self._start) if self.seconds else inf

    def spent(self, part: str) -> bool:
        """Whether nothing is left; then this part is cut short."""
        spent = self.left <= 0
        if spent and part not in self.cut:
            self.cut.append(part)
        return spent


UNLIMITED = Budget()
