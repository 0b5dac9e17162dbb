"""Why a crystal can't be used: one question, and the limits of whoever asks it.

A measure makes one number of a crystal (`nucleate.measures` has those that several ask for), a Rule says what it may
be, and Rules are asked in their order, so that a measure may count on what the rules before it have made sure of.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nucleate.cell import Cell
from nucleate.measures import atoms, broken, strangers

Measure = Callable[[Cell], float]


@dataclass(frozen=True)
class Rule:
    """A limit.

    Attributes:
        reason: what is said of a crystal that breaks it; {value}, {least} and {most} may stand in it.
        measure: what is limited. What is no number is not within limits.
        least, most: what is allowed, themselves included.
    """

    reason: str
    measure: Measure
    least: float = -np.inf
    most: float = np.inf

    def broken_by(self, cell: Cell) -> str | None:
        """The reason, or None for a crystal within the limits."""
        value = self.measure(cell)
        if self.least <= value <= self.most:
            return None
        return self.reason.format(value=value, least=self.least, most=self.most)


@dataclass(frozen=True)
class Rules:
    """What a caller asks of a crystal.

    Attributes:
        checks: in the order in which they are asked.
        unreadable: what is said where there is no crystal.
    """

    checks: tuple[Rule, ...]
    unreadable: str = "unreadable"

    @property
    def reasons(self) -> tuple[str, ...]:
        """All that may be said, in the order in which it is asked."""
        return tuple(dict.fromkeys((self.unreadable, *(rule.reason for rule in self.checks))))


def defect(cell: Cell | None, rules: Rules) -> str | None:
    """The reason of the first rule that a crystal breaks, None for one that can be used."""
    if cell is None:
        return rules.unreadable
    return next((reason for rule in rules.checks if (reason := rule.broken_by(cell)) is not None), None)


def has_atoms(reason: str) -> Rule:
    """At least one atom."""
    return Rule(reason, atoms, least=1)


def known_elements(reason: str) -> Rule:
    """Atomic numbers of the periodic table only, as far as nucleate knows it."""
    return Rule(reason, strangers, most=0)


def is_finite(reason: str) -> Rule:
    """Coordinates and vectors that are numbers."""
    return Rule(reason, broken, most=0)


def above(limit: float) -> float:
    """The least that is allowed where `limit` itself is not."""
    return float(np.nextafter(limit, np.inf))


def below(limit: float) -> float:
    """The most that is allowed where `limit` itself is not."""
    return float(np.nextafter(limit, -np.inf))
