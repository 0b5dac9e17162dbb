"""Rounds of a funnel in its ledger: whom the oracle was asked of, what it said, and how each round ended.

| table | what it holds |
|---|---|
| `asked` | a candidate, the round in which it was chosen, what was expected of it, and what the oracle said |
| `rounds` | each round that is over, as `Round` |

No verdict depends on them: a changed stage empties neither.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from nucleate.records.ledger import Ledger

TABLES = """
CREATE TABLE IF NOT EXISTS asked (number INTEGER PRIMARY KEY, round INTEGER, place INTEGER, expected TEXT, found TEXT);
CREATE TABLE IF NOT EXISTS rounds (round INTEGER PRIMARY KEY, found TEXT);
"""


@dataclass(frozen=True)
class Asked:
    """One call of the oracle.

    Attributes:
        number: of the candidate.
        round: in which it was chosen.
        expected: `cheap`, what the potential said; `mean` and `reach`, what the delta model made of it and half the
            length of its interval, where there was a model; all in eV/atom above the hull.
        found: `above` or `reason`, and more numbers; None until the oracle has answered.
    """

    number: int
    round: int
    expected: Mapping[str, Any]
    found: Mapping[str, Any] | None = None

    @property
    def above(self) -> float | None:
        """eV/atom above the hull of the plan by the oracle; None where it did not say."""
        return None if self.found is None else self.found.get("above")


@dataclass(frozen=True)
class Round:
    """A round that is over.

    Attributes:
        round: its number, from 1.
        candidates: that were made in it.
        new: of these, those that came through all stages.
        asked, answered: calls of the oracle, and those that gave an energy.
        found: of these, those within the limit of the hull as it was when the round began.
        best: the lowest of them, eV/atom above that hull; None without an answer.
        covered, foretold: answers in their intervals, and answers that there was an interval of.
        delta: length, noise, mean and scale of the delta model after the round; empty without one.
        factor: by which calibration stretches its standard deviations.
        hull: names of the phases that have joined the hull after the round.
        models: checksums of the tuned generators that drew in it, by source.
    """

    round: int
    candidates: int
    new: int
    asked: int
    answered: int
    found: int
    best: float | None
    covered: int = 0
    foretold: int = 0
    delta: Mapping[str, float] = field(default_factory=dict)
    factor: float = 1.0
    hull: Sequence[str] = ()
    models: Mapping[str, str] = field(default_factory=dict)


def open_rounds(ledger: Ledger) -> None:
    """Make the tables where they are missing."""
    ledger.base.executescript(TABLES)


def put_asked(ledger: Ledger, chosen: Sequence[Asked]) -> None:
    """Enter candidates that are to be asked about, best first; all of them or none."""
    rows = [
        (one.number, one.round, place, json.dumps(dict(one.expected))) for place, one in enumerate(chosen)
    ]
    with ledger.transaction():
        ledger.base.executemany("INSERT INTO asked VALUES (?, ?, ?, ?, NULL)", rows)


def put_answers(ledger: Ledger, answers: Mapping[int, Mapping[str, Any]]) -> None:
    """Enter what the oracle said, by the numbers of candidates."""
    rows = [(json.dumps(dict(one)), number) for number, one in answers.items()]
    with ledger.transaction():
        ledger.base.executemany("UPDATE asked SET found = ? WHERE number = ?", rows)


def asked(ledger: Ledger) -> list[Asked]:
    """All calls, by round and in the order in which they were chosen."""
    open_rounds(ledger)
    rows = ledger.base.execute("SELECT number, round, expected, found FROM asked ORDER BY round, place")
    return [
        Asked(number, round_, json.loads(expected), found and json.loads(found))
        for number, round_, expected, found in rows
    ]


def put_round(ledger: Ledger, one: Round) -> None:
    """Enter a round that is over."""
    with ledger.transaction():
        ledger.base.execute("INSERT INTO rounds VALUES (?, ?)", (one.round, json.dumps(asdict(one))))


def rounds(ledger: Ledger) -> list[Round]:
    """The rounds that are over, in order."""
    open_rounds(ledger)
    return [
        Round(**json.loads(found))
        for (found,) in ledger.base.execute("SELECT found FROM rounds ORDER BY round")
    ]
