"""What a worker does with one batch: within a time limit, and so that one bad crystal costs only itself."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

from nucleate.errors import MissingPackageError
from nucleate.funnel.stage import Candidate, Stage, Verdict, together
from nucleate.time_limit import time_limit
from nucleate.work import Work

DETAIL = 300
"""Characters kept of a message."""
TIMEOUT = "timeout"


@dataclass(frozen=True)
class Batch:
    """Candidates for one stage; of a stage that judges parties, one party.

    Attributes:
        stage: the judge.
        candidates: whom it judges.
        timeout: seconds for one candidate, None for no limit.
        cache: a file for results that several candidates share.
    """

    stage: Stage
    candidates: tuple[Candidate, ...]
    timeout: float | None
    cache: Path | None = None


def judge(batch: Batch) -> list[Verdict]:
    """A verdict for each candidate of a batch, with the seconds it took."""
    start = perf_counter()
    try:
        verdicts = _judge(batch, batch.candidates)
    except MissingPackageError:
        raise
    except Exception as error:  # whatever a stage, or a package behind it, raises
        verdicts = _one_by_one(batch, error)
    each = (perf_counter() - start) / max(len(verdicts), 1)
    return [one if one.seconds is not None else replace(one, seconds=each) for one in verdicts]


def _judge(batch: Batch, candidates: Sequence[Candidate]) -> list[Verdict]:
    limit = None if batch.timeout is None else batch.timeout * len(candidates)
    with time_limit(limit):
        verdicts = list(batch.stage.judge(candidates, Work(cache=batch.cache)))
    if len(verdicts) != len(candidates):
        raise ValueError(f"{batch.stage.name} gave {len(verdicts)} verdicts on {len(candidates)} candidates")
    return verdicts


def _one_by_one(batch: Batch, error: Exception) -> list[Verdict]:
    """Each alone; those of a party that can be judged are then judged together again."""
    if len(batch.candidates) == 1:
        return [failure(error)]
    alone = [_alone(batch, one) for one in batch.candidates]
    if not together(batch.stage):
        return alone
    sound = [place for place, one in enumerate(alone) if one.outcome != "failed"]
    try:
        again = _judge(batch, [batch.candidates[place] for place in sound]) if len(sound) < len(alone) else []
    except Exception as second:
        again, error = [], second
    for place, verdict in zip(sound, again or [failure(error)] * len(sound), strict=True):
        alone[place] = verdict
    return alone


def _alone(batch: Batch, one: Candidate) -> Verdict:
    start = perf_counter()
    try:
        (verdict,) = _judge(batch, [one])
    except Exception as error:
        verdict = failure(error)
    return verdict if verdict.seconds is not None else replace(verdict, seconds=perf_counter() - start)


def failure(error: BaseException) -> Verdict:
    """The verdict on a candidate that a stage raised of: its class is that of the error."""
    last = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1][:DETAIL]
    if isinstance(error, TimeoutError):
        return Verdict.failed(TIMEOUT, str(error)[:DETAIL], trace=last)
    if isinstance(error, MemoryError):
        return Verdict.failed("out of memory", trace=last)
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return Verdict.failed(type(error).__name__, " ".join(str(error).split())[:DETAIL], trace=f"{last}{where}")
