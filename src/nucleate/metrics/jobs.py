"""Matching work in pieces for a pool of processes: a reference row with its samples, or pairs across rows."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np

from nucleate.errors import NucleateError
from nucleate.metrics.matching import Matcher
from nucleate.metrics.reduction import Cell, Reduced, reduce_cell, time_limit
from nucleate.metrics.validity import fingerprint_constructible, geometry_problem

Job = TypeVar("Job")
Result = TypeVar("Result")
Progress = Callable[[str, int, int], None]
"""Called with the name of the stage, how much is done, and of how much."""

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
MATCH_FAILURES = (ValueError, ArithmeticError, IndexError, np.linalg.LinAlgError)
"""What degenerate cells raise in a reduction or a match; the field counts all of it as no match."""


@dataclass(frozen=True)
class RowJob:
    """One reference crystal and the predictions of it, None where a structure is missing."""

    reference: Cell
    samples: list[Cell | None]
    matcher: Matcher
    timeout: float
    match_invalid: bool


@dataclass(frozen=True)
class Verdict:
    """What became of one prediction.

    Attributes:
        geometry: "" or the rule of `validity.geometry_problem` it breaks; "unreadable" without a structure.
        rms: normalised RMS displacement, None without a match.
        failure: "", "timed_out" or "matcher_failed".
    """

    geometry: str
    rms: float | None = None
    failure: str = ""


@dataclass(frozen=True)
class RowVerdict:
    """Verdicts of all samples of a row; the reduced reference and first sample, for pairs across rows."""

    samples: list[Verdict]
    reference: Reduced | None
    first: Reduced | None


def judge_row(job: RowJob) -> RowVerdict:
    """Match every sample of a row with its reference, each within the time limit."""
    reference = _attempt(partial(reduce_cell, job.reference), job.timeout)[0]
    verdicts, first = [], None
    for sample, cell in enumerate(job.samples):
        if cell is None:
            verdicts.append(Verdict("unreadable"))
            continue
        problem = geometry_problem(cell)
        if problem not in ("", "cell_too_long") and not job.match_invalid:
            verdicts.append(Verdict(problem))
            continue
        result, failure = _attempt(partial(_match, cell, reference, job.matcher), job.timeout)
        reduced, rms = result or (None, None)
        verdicts.append(Verdict(problem, rms, failure))
        first = reduced if sample == 0 else first
    return RowVerdict(verdicts, reference, first)


def _match(cell: Cell, reference: Reduced | None, matcher: Matcher) -> tuple[Reduced, float | None]:
    if reference is None:
        raise ValueError("the reference can't be reduced")
    reduced = reduce_cell(cell)
    return reduced, matcher.rms(reduced, reference)


@dataclass(frozen=True)
class CrossJob:
    """Pairs across rows: (row of the prediction, row of the reference, both structures reduced)."""

    pairs: list[tuple[int, int, Reduced, Reduced]]
    matcher: Matcher
    timeout: float


def judge_pairs(job: CrossJob) -> list[tuple[int, int, float | None, str]]:
    """(row of the prediction, row of the reference, RMS or None, failure) of each pair."""
    results = []
    for i, j, prediction, reference in job.pairs:
        rms, failure = _attempt(partial(job.matcher.rms, prediction, reference), job.timeout)
        results.append((i, j, rms, failure))
    return results


def judge_fingerprint(job: tuple[Cell, float]) -> bool:
    """Whether the fingerprint of a cell can be made within the time limit."""
    return bool(_attempt(partial(fingerprint_constructible, job[0]), job[1])[0])


def _attempt(work: Callable[[], Result], timeout: float) -> tuple[Result | None, str]:
    """(result, "") or (None, the kind of failure)."""
    try:
        with time_limit(timeout):
            return work(), ""
    except TimeoutError:
        return None, "timed_out"
    except MATCH_FAILURES:
        return None, "matcher_failed"


def run_jobs(
    function: Callable[[Job], Result],
    jobs: Iterable[Job],
    total: int,
    workers: int,
    stage: str,
    progress: Progress | None = None,
) -> Iterator[Result]:
    """Results in the order of the jobs, from processes with one thread each, or from this process."""
    done = 0
    with job_map(workers) as mapped:
        try:
            for result in mapped(function, jobs):
                done += 1
                if progress:
                    progress(stage, done, total)
                yield result
        except BrokenProcessPool:
            raise NucleateError(
                f"a worker process was killed while {stage} (after {done} of {total})",
                "it probably ran out of memory: use --workers 1",
            ) from None


@contextmanager
def job_map(workers: int) -> Iterator[Callable]:
    """A `map` that works in processes with one thread each, or in this process for one worker."""
    if workers <= 1:
        yield map
        return
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    # fork copies locks of torch's threads in whatever state they are
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield partial(pool.map, chunksize=8)
    finally:
        pool.shutdown(cancel_futures=True)
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
