"""Which verdict stands where: positions of the plan filled from the ledger of a funnel, and emptied again.

Position 0 is that of the generators, position i that of the i-th stage. A candidate waits at a position that it has
passed all others before. A stage that judges candidates together has them in parties; where a party gains or loses a
member, all of it waits again, at this position and those after. Verdicts are found again by what they depend on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from nucleate.records.ledger import Ledger
from nucleate.records.verdicts import OUTCOMES, Verdict, pack

Found = tuple[int, bytes, Verdict]
"""A candidate's number, the digest of what its judge was given, and what it found."""


class Places:
    """The positions of a plan in a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.base = ledger, ledger.base

    def judge(self, identity: str) -> int:
        """The number of a judge, a stage with certain settings; outside of transactions."""
        self.base.execute("INSERT OR IGNORE INTO judges (identity) VALUES (?)", (identity,))
        return self.base.execute("SELECT judge FROM judges WHERE identity = ?", (identity,)).fetchone()[0]

    def waiting(self, stage: int, size: int) -> Iterator[list[int]]:
        """Numbers of the candidates that wait at a position, in order, so many at a time."""
        last = -1
        question = (
            "SELECT number FROM places p WHERE stage = ?1 - 1 AND outcome = 0 AND number > ?2 AND NOT EXISTS "
            "(SELECT 1 FROM places q WHERE q.stage = ?1 AND q.number = p.number) ORDER BY number LIMIT ?3"
        )
        while batch := [number for (number,) in self.base.execute(question, (stage, last, size))]:
            yield batch
            last = batch[-1]

    def count(self, stage: int, outcome: str | None = None) -> int:
        """How many candidates have a verdict at a position, or one with this outcome."""
        question = "SELECT count(*) FROM places WHERE stage = ?"
        if outcome is None:
            return self.base.execute(question, (stage,)).fetchone()[0]
        given = (stage, OUTCOMES.index(outcome))
        return self.base.execute(f"{question} AND outcome = ?", given).fetchone()[0]

    def reasons(self, stage: int, outcome: str) -> dict[str, int]:
        """How many candidates have an outcome at a position, by reason."""
        question = (
            "SELECT v.reason, count(*) FROM places p JOIN verdicts v USING (verdict) "
            "WHERE p.stage = ? AND p.outcome = ? GROUP BY v.reason ORDER BY count(*) DESC, v.reason"
        )
        return dict(self.base.execute(question, (stage, OUTCOMES.index(outcome))))

    def put(self, stage: int, judge: int, found: Sequence[Found]) -> None:
        """Enter verdicts at a position; within a transaction."""
        question = (
            "INSERT OR REPLACE INTO verdicts (judge, number, input, outcome, reason, detail, found, cell, seconds, "
            "trace) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        )
        standing = []
        for number, given, one in found:
            values = json.dumps(dict(one.values), sort_keys=True) if one.values else None
            row = (
                judge, number, given, OUTCOMES.index(one.outcome), one.reason, one.detail, values,
                one.cell and pack(one.cell), one.seconds or 0.0, one.trace,
            )  # fmt: skip
            standing.append((number, int(self.base.execute(question, row).lastrowid or 0), row[3]))
        self._stand(stage, standing)

    def recall(self, stage: int, judge: int, given: Sequence[tuple[int, bytes]]) -> set[int]:
        """Enter the verdicts that this judge once found of candidates with the same input; the numbers of those.

        Within a transaction.
        """
        inputs = dict(given)
        question = (
            "SELECT number, input, verdict, outcome FROM verdicts WHERE judge = {} AND number IN ({{}})"
        )
        rows = self._each(question, judge, list(inputs))
        standing = [
            (number, verdict, outcome)
            for number, digest, verdict, outcome in rows
            if digest == inputs[number]
        ]
        self._stand(stage, standing)
        return {number for number, _, _ in standing}

    def _stand(self, stage: int, standing: Sequence[tuple[int, int, int]]) -> None:
        """Enter (number, verdict, outcome) at a position; those who stood there otherwise leave later positions."""
        before = self._content(stage, [number for number, _, _ in standing])
        rows = [(stage, *one) for one in standing]
        self.base.executemany("INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?)", rows)
        if before:
            now = self._content(stage, list(before))
            self.withdraw(stage + 1, [number for number, content in before.items() if now[number] != content])

    def _content(self, stage: int, numbers: Sequence[int]) -> dict[int, tuple]:
        """What later stages see of the verdicts on candidates at a position."""
        question = (
            "SELECT p.number, v.outcome, v.found, v.cell FROM places p JOIN verdicts v USING (verdict) "
            "WHERE p.stage = {} AND p.number IN ({{}})"
        )
        return {number: tuple(rest) for number, *rest in self._each(question, stage, numbers)}

    def clear(self, stage: int) -> None:
        """Empty a position and all after it; within a transaction."""
        self.base.execute("DELETE FROM places WHERE stage >= ?", (stage,))
        self.base.execute("DELETE FROM members WHERE stage >= ?", (stage,))

    def withdraw(self, stage: int, numbers: Sequence[int]) -> None:
        """Take candidates from a position and all after it; whoever was judged together with them there waits again.

        Within a transaction.
        """
        leaving = set(numbers)
        for at in range(stage, self._last() + 1):
            gone = sorted(leaving)
            parties = set(
                self._each("SELECT party FROM members WHERE stage = {} AND number IN ({{}})", at, gone)
            )
            list(self._each("DELETE FROM members WHERE stage = {} AND number IN ({{}})", at, gone))
            leaving |= {number for (party,) in parties for number in self.party(at, party)}
            list(self._each("DELETE FROM places WHERE stage = {} AND number IN ({{}})", at, sorted(leaving)))

    def _each(self, question: str, stage: int, numbers: Sequence[int]) -> Iterator[tuple]:
        return self.ledger.each(question.format(int(stage)), numbers)

    def _last(self) -> int:
        """The last position where anything is."""
        last = [
            self.base.execute(f"SELECT max(stage) FROM {table}").fetchone()[0]
            for table in ("places", "members")
        ]
        return max(stage or 0 for stage in last)

    def retry(self, reason: str, stage: int | None = None) -> int:
        """Forget failures of a class, at a position or at all, so that their candidates wait again; how many."""
        question = (
            "SELECT p.stage, p.number, p.verdict FROM places p JOIN verdicts v USING (verdict) "
            "WHERE p.outcome = 2 AND v.reason = ?1 AND (?2 IS NULL OR p.stage = ?2)"
        )
        rows = self.base.execute(question, (reason, stage)).fetchall()
        with self.ledger.transaction():
            for at in sorted({row[0] for row in rows}):
                self.withdraw(at, [row[1] for row in rows if row[0] == at])
            list(self.ledger.each("DELETE FROM verdicts WHERE verdict IN ({})", [row[2] for row in rows]))
        return len(rows)

    # parties

    def joining(self, stage: int, size: int) -> Iterator[list[int]]:
        """As `waiting`, those that are in no party yet."""
        last = -1
        question = (
            "SELECT number FROM places p WHERE stage = ?1 - 1 AND outcome = 0 AND number > ?2 AND NOT EXISTS "
            "(SELECT 1 FROM members m WHERE m.stage = ?1 AND m.number = p.number) ORDER BY number LIMIT ?3"
        )
        while batch := [number for (number,) in self.base.execute(question, (stage, last, size))]:
            yield batch
            last = batch[-1]

    def formed(self, stage: int) -> int:
        """How many candidates are in parties at a position."""
        return self.base.execute("SELECT count(*) FROM members WHERE stage = ?", (stage,)).fetchone()[0]

    def join(self, stage: int, party: dict[int, str]) -> None:
        """Enter candidates in parties; within a transaction."""
        rows = [(stage, name, number) for number, name in party.items()]
        self.base.executemany("INSERT INTO members VALUES (?, ?, ?)", rows)

    def unjudged(self, stage: int, size: int) -> Iterator[list[str]]:
        """Names of the parties with a member that waits, in order, so many at a time."""
        question = (
            "SELECT DISTINCT party FROM members m WHERE stage = ?1 AND party > ?2 AND NOT EXISTS "
            "(SELECT 1 FROM places p WHERE p.stage = ?1 AND p.number = m.number) ORDER BY party LIMIT ?3"
        )
        last = ""
        while batch := [name for (name,) in self.base.execute(question, (stage, last, size))]:
            yield batch
            last = batch[-1]

    def party(self, stage: int, name: str) -> list[int]:
        """Numbers of the members of a party, in order."""
        question = "SELECT number FROM members WHERE stage = ? AND party = ? ORDER BY number"
        return [number for (number,) in self.base.execute(question, (stage, name))]
