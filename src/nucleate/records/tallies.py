"""What a ledger says of a funnel: how many come through each stage, why the others don't, and the way of one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nucleate.records.ledger import Ledger
from nucleate.records.verdicts import OUTCOMES, Candidate, Value

GENERATE = "generate"


@dataclass(frozen=True)
class Tally:
    """One position of a plan.

    Attributes:
        label: of the stage.
        came: candidates that passed all before.
        passed, rejected, failed: by their verdicts here.
        seconds: of all verdicts together, over all workers.
        reasons: of those rejected and failed: (outcome, reason, how many, the id of one of them).
    """

    label: str
    came: int
    passed: int
    rejected: int
    failed: int
    seconds: float
    reasons: tuple[tuple[str, str, int, str], ...] = ()

    @property
    def waiting(self) -> int:
        return self.came - self.judged

    @property
    def judged(self) -> int:
        return self.passed + self.rejected + self.failed


@dataclass(frozen=True)
class Event:
    """One verdict on the way of a candidate.

    Attributes:
        label: of the stage.
        outcome, reason, detail, seconds, trace: as in Verdict.
        values: what the stage found out.
        moved: whether it gave the candidate another cell.
    """

    label: str
    outcome: str
    reason: str
    detail: str
    values: dict[str, Value]
    seconds: float
    trace: str
    moved: bool


def labels(ledger: Ledger) -> list[str]:
    """What the positions are called, from that of the generators on."""
    return [GENERATE, *json.loads(ledger.fact("labels") or "[]")]


def tallies(ledger: Ledger) -> list[Tally]:
    """Every position in order."""
    counts: dict[int, dict[str, int]] = {}
    seconds: dict[int, float] = {}
    reasons: dict[int, list[tuple[str, str, int, str]]] = {}
    question = (
        "SELECT p.stage, p.outcome, v.reason, count(*), sum(v.seconds), min(p.number) "
        "FROM places p JOIN verdicts v USING (verdict) GROUP BY p.stage, p.outcome, v.reason "
        "ORDER BY p.stage, p.outcome, count(*) DESC, v.reason"
    )
    for stage, outcome, reason, count, took, first in ledger.base.execute(question):
        of = counts.setdefault(stage, dict.fromkeys(OUTCOMES, 0))
        of[OUTCOMES[outcome]] += count
        seconds[stage] = seconds.get(stage, 0.0) + took
        if OUTCOMES[outcome] != "passed":
            reasons.setdefault(stage, []).append((OUTCOMES[outcome], reason, count, ledger.id_of(first)))
    found, came = [], sum(counts.get(0, {}).values())
    for stage, label in enumerate(labels(ledger)):
        of = counts.get(stage, dict.fromkeys(OUTCOMES, 0))
        one = Tally(label, came, **of, seconds=seconds.get(stage, 0.0), reasons=tuple(reasons.get(stage, ())))
        found.append(one)
        came = one.passed
    return found


def history(ledger: Ledger, number: int) -> list[Event]:
    """The way of one candidate, as far as it came."""
    names = labels(ledger)
    question = (
        "SELECT p.stage, v.outcome, v.reason, v.detail, v.found, v.seconds, v.trace, v.cell IS NOT NULL "
        "FROM places p JOIN verdicts v USING (verdict) WHERE p.number = ? ORDER BY p.stage"
    )
    rows = ledger.base.execute(question, (number,)).fetchall()
    return [
        Event(
            names[stage],
            OUTCOMES[outcome],
            reason,
            detail,
            json.loads(found or "{}"),
            seconds,
            trace,
            bool(moved),
        )
        for stage, outcome, reason, detail, found, seconds, trace, moved in rows
        if stage < len(names)
    ]


def standing_at(ledger: Ledger, stage: int, outcome: str = "passed") -> list[int]:
    """Numbers of the candidates with an outcome at a position, in order."""
    question = "SELECT number FROM places WHERE stage = ? AND outcome = ? ORDER BY number"
    return [number for (number,) in ledger.base.execute(question, (stage, OUTCOMES.index(outcome)))]


def dump(ledger: Ledger) -> Iterator[tuple[Any, ...]]:
    """All that a funnel has found, without what depends on the clock: the same for the same plan, however it ran."""
    question = (
        "SELECT p.stage, p.number, v.outcome, v.reason, v.detail, v.found, v.cell, v.trace, c.cell "
        "FROM places p JOIN verdicts v USING (verdict) JOIN candidates c ON c.number = p.number "
        "ORDER BY p.stage, p.number"
    )
    yield from ledger.base.execute(question)


def found_of(ledger: Ledger, numbers: list[int]) -> list[Candidate]:
    """Candidates as the last stage that they came to left them, with all their values."""
    return ledger.candidates(numbers, len(labels(ledger)))
