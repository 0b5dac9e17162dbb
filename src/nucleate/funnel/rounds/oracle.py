"""The oracle asked about candidates, in batches: each is an entry of the ledger as soon as it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nucleate.funnel.batch import Batch, judge
from nucleate.funnel.crew import Crew, LostError
from nucleate.funnel.judging import CACHE, LOST
from nucleate.funnel.stage import PASSED, Candidate, Stage
from nucleate.records.ledger import Ledger
from nucleate.records.rounds import asked, put_answers
from nucleate.records.tallies import found_of

AT_ONCE = 4
"""Candidates of one batch: what a killed program loses at most."""
UNRELAXED = ".unrelaxed_energy_per_atom"

Answers = dict[int, dict[str, Any]]


@dataclass(frozen=True)
class Question:
    """A batch for the oracle.

    Attributes:
        numbers: of the candidates.
        candidates: whom it is asked about.
        stages: what it does.
        cache: a file for what candidates share.
    """

    numbers: tuple[int, ...]
    candidates: tuple[Candidate, ...]
    stages: tuple[Stage, ...]
    cache: Path


def ask(ledger: Ledger, crew: Crew, stages: tuple[Stage, ...], folder: Path, number: int) -> None:
    """Ask about all that wait for an answer in a round.

    Args:
        stages: an energy, then the distance from a hull.
        folder: of the ledger.
        number: of the round.
    """
    chosen = [one for one in asked(ledger) if one.round == number]
    waiting = [one.number for one in chosen if one.found is None]
    done = len(chosen) - len(waiting)
    for _, answers in crew.flow(answer, _questions(ledger, waiting, stages, folder), _carefully):
        put_answers(ledger, answers)
        done += len(answers)
        crew.work.tell(f"ask the oracle, round {number}", done, len(chosen))


def _questions(
    ledger: Ledger, numbers: Sequence[int], stages: tuple[Stage, ...], folder: Path
) -> Iterator[Question]:
    for start in range(0, len(numbers), AT_ONCE):
        part = tuple(numbers[start : start + AT_ONCE])
        yield Question(part, tuple(found_of(ledger, list(part))), stages, folder.absolute() / CACHE)


def answer(question: Question) -> Answers:
    """What the oracle says, by number: `above` in eV/atom and other values, or a `reason`."""
    left, said = dict(zip(question.numbers, question.candidates, strict=True)), Answers()
    seconds = dict.fromkeys(left, 0.0)
    for stage in question.stages:
        verdicts = judge(Batch(stage, tuple(left.values()), stage.timeout, question.cache))
        for number, verdict in zip(list(left), verdicts, strict=True):
            seconds[number] += verdict.seconds or 0.0
            if verdict.outcome == PASSED:
                values = {**left[number].values, **_relabelled(verdict.values)}
                left[number] = replace(left[number], cell=verdict.cell or left[number].cell, values=values)
            else:
                said[number] = {"reason": verdict.reason, "detail": verdict.detail}
                del left[number]
    for number, one in left.items():
        said[number] = {"above": one.values[question.stages[-1].writes[0]]}
    return {number: {**said[number], "seconds": seconds[number]} for number in question.numbers}


def _relabelled(values: Any) -> dict[str, Any]:
    """An energy without relaxation under the name that the next stage reads."""
    return {name.replace(UNRELAXED, ".energy_per_atom"): value for name, value in values.items()}


def _carefully(question: Question, alone: Callable[[Question], Answers]) -> Answers:
    """Answers to a batch that a worker was lost over: each candidate alone."""
    said = Answers()
    for number, one in zip(question.numbers, question.candidates, strict=True):
        try:
            said |= alone(replace(question, numbers=(number,), candidates=(one,)))
        except LostError as error:
            said[number] = {"reason": LOST, "detail": str(error), "seconds": 0.0}
    return said
