"""Why a crystal can't be used: one function, with limits set by the caller.

A measure maps a crystal to one number (`nucleate.measures` has the shared ones) and a Rule limits that number. Rules
are checked in order, so a measure may rely on everything that earlier rules have ensured.
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
        reason: the text for a crystal that breaks the rule; may contain {value}, {least} and {most}.
        measure: the number that is limited; NaN is never within limits.
        least, most: the allowed range, both ends included.
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
    """The rules that a caller sets for a crystal.

    Attributes:
        checks: the rules, in the order in which they are checked.
        unreadable: the reason if there is no crystal.
    """

    checks: tuple[Rule, ...]
    unreadable: str = "unreadable"

    @property
    def reasons(self) -> tuple[str, ...]:
        """All possible reasons, in the order of the checks."""
        return tuple(dict.fromkeys((self.unreadable, *(rule.reason for rule in self.checks))))


def defect(cell: Cell | None, rules: Rules) -> str | None:
    """The reason given by the first rule that a crystal breaks; None if it breaks none."""
    if cell is None:
        return rules.unreadable
    return next((reason for rule in rules.checks if (reason := rule.broken_by(cell)) is not None), None)


def has_atoms(reason: str) -> Rule:
    """At least one atom."""
    return Rule(reason, atoms, least=1)


def known_elements(reason: str) -> Rule:
    """Only atomic numbers of elements that nucleate knows."""
    return Rule(reason, strangers, most=0)


def is_finite(reason: str) -> Rule:
    """Only finite coordinates and cell vectors."""
    return Rule(reason, broken, most=0)


def above(limit: float) -> float:
    """The smallest allowed value if `limit` itself is excluded."""
    return float(np.nextafter(limit, np.inf))


def below(limit: float) -> float:
    """The largest allowed value if `limit` itself is excluded."""
    return float(np.nextafter(limit, -np.inf))
