"""Heuristics of what can be made: a known structure type, charges that balance, elements that can be bought.

None of them says that a crystal can be synthesised; each is a rule of thumb that many real crystals break. They are
noted of every candidate, and reject only where the plan asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nucleate.defects import defect
from nucleate.funnel.stage import Candidate, Stage, Value, Verdict
from nucleate.metrics.supply import herfindahl
from nucleate.metrics.usable import USABLE
from nucleate.metrics.validity_rules import smact_valid
from nucleate.prototypes.known import known_as
from nucleate.settings import within
from nucleate.work import Work

WRITES = ("prototype", "prototype_entries", "charge_balanced", "hhi_production", "hhi_reserves")


@dataclass(frozen=True)
class Heuristics(Stage):
    """Rules of thumb.

    Attributes:
        prototype: whether the structure type must be one of the shipped index.
        charge: whether the composition has to pass SMACT's rule.
        production, reserves: the largest Herfindahl-Hirschman index by mass, up to 10,000; 0 for any.
    """

    name = "heuristics"

    prototype: bool = False
    charge: bool = False
    production: float = 0.0
    reserves: float = 0.0

    def __post_init__(self) -> None:
        within(self, 0, 10_000, "production reserves")

    @property
    def writes(self) -> Sequence[str]:
        return WRITES

    def check(self) -> None:
        smact_valid(((3, 1), (9, 1)))

    def judge(self, candidates: Sequence[Candidate], work: Work) -> Sequence[Verdict]:
        return [self._judge(one) for one in candidates]

    def _judge(self, one: Candidate) -> Verdict:
        if broken := defect(one.cell, USABLE):
            return Verdict.rejected(broken.replace("_", " "))
        known, supply = known_as(one.cell), herfindahl(one.cell)
        balanced = smact_valid(one.cell.formula)
        risks = supply or (None, None)
        found: tuple[Value, ...] = (known.prototype, known.entries, balanced, *risks)
        values = dict(zip(WRITES, found, strict=True))
        if self.prototype and not known.entries:
            return Verdict.rejected("prototype not known", known.prototype, values=values)
        if self.charge and not balanced:
            return Verdict.rejected("charge", "no neutral combination of oxidation states", values=values)
        for name, risk, most in zip(
            ("production", "reserves"), risks, (self.production, self.reserves), strict=True
        ):
            if most and risk is None:
                return Verdict.rejected("supply not known", name, values=values)
            if most and risk is not None and risk > most:
                return Verdict.rejected(
                    f"supply risk of {name}", f"{risk:.0f}, at most {most:g}", values=values
                )
        return Verdict.passed(values=values)


STAGES = (Heuristics,)
