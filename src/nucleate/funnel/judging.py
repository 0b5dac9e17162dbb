"""One stage of a run: all that wait at its position, in batches, until none waits; loud where too many fail."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nucleate.errors import NucleateError
from nucleate.funnel.batch import Batch, judge
from nucleate.funnel.crew import Crew, LostError
from nucleate.funnel.plan import Step
from nucleate.funnel.stage import FAILED, PASSED, Candidate, Verdict, together
from nucleate.records.places import Places
from nucleate.records.verdicts import digest

CACHE = "shared.sqlite"
LOST = "worker died"
LOOK = 512
"""Parties, or candidates that join one, that are looked at together."""


@dataclass(frozen=True)
class Sheet:
    """Batches that one worker judges in a row, with what the ledger has to know of each candidate.

    Attributes:
        batches: one, or several small parties.
        given: number of each candidate, and the digest of what the stage is given of it.
    """

    batches: tuple[Batch, ...]
    given: tuple[tuple[int, bytes], ...]


def judge_sheet(sheet: Sheet) -> list[Verdict]:
    """The verdicts on all candidates of a sheet, in order."""
    return [verdict for batch in sheet.batches for verdict in judge(batch)]


@dataclass
class Judging:
    """A stage at its position of the plan.

    Attributes:
        places: the ledger's.
        crew: who works.
        position: from 1.
        step: the stage, and how it is run.
        after: how many have to be judged before the run may be stopped for failures.
        folder: of the ledger, for results that candidates share.
    """

    places: Places
    crew: Crew
    position: int
    step: Step
    after: int
    folder: Path

    def run(self) -> None:
        """Judge all that wait. Raises NucleateError where the stage fails for too many."""
        judge_number = self.places.judge(self.step.stage.identity)
        total, self.failed = self.places.count(self.position - 1, PASSED), self._failures()
        done = self.places.count(self.position)
        self._stop_if_failing(done)
        if together(self.step.stage):
            self._form_parties(total)
            sheets = self._of_parties(judge_number)
        else:
            sheets = self._of_each(judge_number)
        for sheet, verdicts in self.crew.flow(judge_sheet, sheets, _carefully):
            found = [(number, given, one) for (number, given), one in zip(sheet.given, verdicts, strict=True)]
            with self.places.ledger.transaction():
                self.places.put(self.position, judge_number, found)
            done += len(found)
            self.failed.update(one.reason for one in verdicts if one.outcome == FAILED)
            self.crew.work.tell(self.step.label, min(done, total), total)
            self._stop_if_failing(done)
        if done and self.failed.total() >= done and self.step.most_failures < 1:
            raise self._too_many(done)

    def _of_each(self, judge_number: int) -> Iterator[Sheet]:
        """Candidates that wait, in batches, but for those of whom the verdict is known."""
        for numbers in self.places.waiting(self.position, self.step.batch):
            found = self._candidates(numbers)
            given = [(number, digest(one)) for number, one in found.items()]
            with self.places.ledger.transaction():
                known = self.places.recall(self.position, judge_number, given)
            left = [one for one in given if one[0] not in known]
            if left:
                yield Sheet((self._batch([found[number] for number, _ in left]),), tuple(left))

    def _of_parties(self, judge_number: int) -> Iterator[Sheet]:
        """Parties with a member that waits, small ones in one sheet, but for those whose verdicts are known."""
        batches: list[Batch] = []
        given: list[tuple[int, bytes]] = []
        for names in self.places.unjudged(self.position, LOOK):
            parties = [self.places.party(self.position, name) for name in names]
            found = self._candidates([number for party in parties for number in party])
            for party in parties:
                own = self._given(party, found)
                with self.places.ledger.transaction():
                    known = self.places.recall(self.position, judge_number, own)
                if len(known) == len(party):
                    continue
                batches.append(self._batch([found[number] for number in party]))
                given += own
                if len(given) >= self.step.batch:
                    yield Sheet(tuple(batches), tuple(given))
                    batches, given = [], []
        if batches:
            yield Sheet(tuple(batches), tuple(given))

    def _given(self, party: Sequence[int], found: dict[int, Candidate]) -> list[tuple[int, bytes]]:
        """Of every member the same digest, that of all of them."""
        whole = hashlib.sha256()
        for number in party:
            whole.update(number.to_bytes(8, "big") + digest(found[number]))
        return [(number, whole.digest()[:16]) for number in party]

    def _form_parties(self, total: int) -> None:
        """Say of every candidate that is new whom it is judged together with, total of them with those that are not."""
        formed = self.places.formed(self.position)
        for numbers in self.places.joining(self.position, LOOK):
            found = self._candidates(numbers)
            names = {number: self.step.stage.party(one) or "-" for number, one in found.items()}
            with self.places.ledger.transaction():
                self.places.join(self.position, names)
            formed += len(names)
            self.crew.work.tell(f"{self.step.label}: who is compared", min(formed, total), total)

    def _candidates(self, numbers: Sequence[int]) -> dict[int, Candidate]:
        found = self.places.ledger.candidates(numbers, self.position, self.step.stage.reads)
        return dict(zip(numbers, found, strict=True))

    def _batch(self, candidates: Sequence[Candidate]) -> Batch:
        return Batch(self.step.stage, tuple(candidates), self.step.timeout, self.folder.absolute() / CACHE)

    def _failures(self) -> Counter[str]:
        return Counter(self.places.reasons(self.position, FAILED))

    def _stop_if_failing(self, judged: int) -> None:
        if judged >= self.after and self.failed.total() > self.step.most_failures * judged:
            raise self._too_many(judged)

    def _too_many(self, judged: int) -> NucleateError:
        (reason, count), *_ = self.failed.most_common()
        folder = self.folder
        return NucleateError(
            f"stage {self.position} ({self.step.label}) fails for {self.failed.total()} of {judged} candidates, "
            f"{count} by '{reason}'",
            f"mend the cause and try them again: nucleate discover retry {folder} --reason '{reason}'; "
            f"or raise most_failures in the plan",
        )


def _carefully(sheet: Sheet, alone: Callable[[Sheet], list[Verdict]]) -> list[Verdict]:
    """Verdicts on a sheet that a worker was lost over: all again, then each alone, to know which one is to blame."""
    try:
        return alone(sheet)
    except LostError:
        return [verdict for batch in sheet.batches for verdict in _batch_carefully(batch, alone)]


def _batch_carefully(batch: Batch, alone: Callable[[Sheet], list[Verdict]]) -> list[Verdict]:
    verdicts = [_one_carefully(batch, one, alone) for one in batch.candidates]
    if not together(batch.stage):
        return verdicts
    sound = [place for place, one in enumerate(verdicts) if one.outcome != FAILED]
    rest = replace(batch, candidates=tuple(batch.candidates[place] for place in sound))
    try:
        again = alone(Sheet((rest,), ())) if sound else []
    except LostError as error:
        again = [Verdict.failed(LOST, str(error))] * len(sound)
    for place, verdict in zip(sound, again, strict=True):
        verdicts[place] = verdict
    return verdicts


def _one_carefully(batch: Batch, one: Candidate, alone: Callable[[Sheet], list[Verdict]]) -> Verdict:
    try:
        (verdict,) = alone(Sheet((replace(batch, candidates=(one,)),), ()))
        return verdict
    except LostError as error:
        return Verdict.failed(LOST, str(error))
