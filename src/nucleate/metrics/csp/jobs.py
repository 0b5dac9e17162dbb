"""Matching work in pieces for a pool of processes: a reference row with its samples, or pairs across rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.metrics.matching import Matcher, try_match
from nucleate.metrics.reduction import Reduced, reduce_cell
from nucleate.metrics.validity_rules import GEOMETRY, fingerprint_constructible


@dataclass(frozen=True)
class RowJob:
    """One reference crystal and the predictions of it, None where a structure is missing."""

    reference: Cell
    samples: list[Cell | None]
    matcher: Matcher
    timeout: float | None
    match_invalid: bool


@dataclass(frozen=True)
class PredictionVerdict:
    """The verdict on one prediction.

    Attributes:
        geometry: "" or the rule of `validity_rules.GEOMETRY` it breaks; "unreadable" without a structure.
        rms: normalised RMS displacement, None without a match.
        failure: "", "timed_out" or "matcher_failed".
    """

    geometry: str
    rms: float | None = None
    failure: str = ""


@dataclass(frozen=True)
class RowVerdict:
    """Verdicts of all samples of a row; the reduced reference and first sample, for pairs across rows."""

    samples: list[PredictionVerdict]
    reference: Reduced | None
    first: Reduced | None


@dataclass(frozen=True)
class JudgedRun:
    """All verdicts of a run, before any protocol is applied.

    Attributes:
        rows: rows of the reference that have at least one prediction, ascending.
        cells: the predicted cells of each of these rows, None where one is missing or unreadable.
        missing: how many of these have no prediction at all.
        verdicts: for each of these rows.
        cross: RMS of (row of the prediction, row of the reference) for matches of first samples across rows.
        cross_failures: pairs across rows that failed, by kind.
    """

    rows: list[int]
    cells: list[list[Cell | None]]
    missing: int
    verdicts: list[RowVerdict]
    cross: dict[tuple[int, int], float]
    cross_failures: dict[str, int]


def judge_row(job: RowJob) -> RowVerdict:
    """Match every sample of a row with its reference, each within the time limit."""
    reference = try_match(partial(reduce_cell, job.reference), job.timeout)[0]
    verdicts, first = [], None
    for sample, cell in enumerate(job.samples):
        if cell is None:
            verdicts.append(PredictionVerdict("unreadable"))
            continue
        problem = defect(cell, GEOMETRY) or ""
        if problem not in ("", "cell_too_long") and not job.match_invalid:
            verdicts.append(PredictionVerdict(problem))
            continue
        result, failure = try_match(partial(_match, cell, reference, job.matcher), job.timeout)
        reduced, rms = result or (None, None)
        verdicts.append(PredictionVerdict(problem, rms, failure))
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
    timeout: float | None


def judge_pairs(job: CrossJob) -> list[tuple[int, int, float | None, str]]:
    """(row of the prediction, row of the reference, RMS or None, failure) of each pair."""
    results = []
    for i, j, prediction, reference in job.pairs:
        rms, failure = try_match(partial(job.matcher.rms, prediction, reference), job.timeout)
        results.append((i, j, rms, failure))
    return results


def judge_fingerprint(job: tuple[Cell, float]) -> bool:
    """Whether the fingerprint of a cell can be made within the time limit."""
    return bool(try_match(partial(fingerprint_constructible, job[0]), job[1])[0])
