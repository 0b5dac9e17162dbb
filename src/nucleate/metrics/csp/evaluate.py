"""Crystal structure prediction judged as the field does: match rate and RMSE at k, METRe, cRMSE, three
protocols.

Protocols differ only in which predictions may count. `full`: all. `geometry` (KLDM, arXiv 2507.03602): those
with a valid geometry. `smact` (CDVAE, DiffCSP, FlowMM): those that also pass the SMACT composition rule and,
if required, have a fingerprint; at one sample the reference must pass too. METRe and cRMSE: arXiv
2509.12178.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from nucleate.cell import Cell
from nucleate.data.table import CrystalTable
from nucleate.errors import DataError
from nucleate.metrics.csp.jobs import CrossJob, JudgedRun, RowJob, RowVerdict, judge_pairs, judge_row
from nucleate.metrics.csp.predictions import Prediction, PredictionSet
from nucleate.metrics.csp.report import CspReport, build_report
from nucleate.metrics.csp.settings import PROTOCOLS, CspSettings
from nucleate.metrics.matching import Matcher
from nucleate.metrics.reduction import Reduced
from nucleate.metrics.validity_rules import require_fingerprints, smact_valid
from nucleate.work import Work

if TYPE_CHECKING:
    from pymatgen.core import Structure

__all__ = ["PROTOCOLS", "CspSettings", "JudgedRun", "MatchRate", "evaluate", "match_rate"]

PAIRS_PER_JOB = 32
MATCH_SECONDS = 20.0
"""For one pair of `match_rate`."""


def evaluate(
    predictions: Iterable[Prediction | tuple[int, int, Structure | Cell | None]] | PredictionSet,
    reference: CrystalTable,
    settings: CspSettings | None = None,
    work: Work = Work(),
) -> CspReport:
    """Judge predictions against a reference split.

    Args:
        predictions: what `read_predictions` returns, or (reference row, sample number, structure or None)
            each.
        reference: the split they are predictions of.
        settings: what is measured; the default is all protocols.
        work: executor, progress and the time limit of a pair.

    Raises DataError where there are fewer samples than the largest k, or two predictions with the same row
    and sample number; MissingPackageError when the `smact` protocol is asked for without smact.
    """
    settings = work.limiting(settings or CspSettings())
    if "smact" in settings.protocols:
        smact_valid(((8, 1),))
        if settings.fingerprints:
            require_fingerprints()
    found = (
        predictions if isinstance(predictions, PredictionSet) else PredictionSet(_as_predictions(predictions))
    )
    rows, cells, missing = _by_row(found.predictions, reference, settings.k)
    jobs = (
        RowJob(
            reference.cell(row),
            samples,
            settings.matcher,
            settings.timeout,
            "full" in settings.protocols,
        )
        for row, samples in zip(rows, cells, strict=True)
    )
    verdicts = list(work.run("matching", judge_row, jobs, len(rows)))
    cross, failures = _across_rows(rows, verdicts, settings, work) if settings.metre else ({}, {})
    judged = JudgedRun(rows, cells, missing, verdicts, cross, failures)
    return build_report(judged, found, reference, settings, work)


def _as_predictions(items: Iterable) -> list[Prediction]:
    result = []
    for item in items:
        if not isinstance(item, Prediction):
            row, sample, structure = item
            cell = structure if structure is None or isinstance(structure, Cell) else Cell.of(structure)
            item = Prediction(int(row), int(sample), cell)
        result.append(item)
    return result


def _by_row(
    predictions: Sequence[Prediction], reference: CrystalTable, k: tuple[int, ...]
) -> tuple[list[int], list[list[Cell | None]], int]:
    by_row: dict[int, dict[int, Cell | None]] = defaultdict(dict)
    for one in predictions:
        if not 0 <= one.row < len(reference):
            raise DataError(
                f"a prediction is for row {one.row}, but the reference has {len(reference)} rows",
                "check that the predictions were made for this split",
            )
        if one.sample in by_row[one.row]:
            raise DataError(
                f"sample {one.sample} of {reference.ids[one.row]} is given twice",
                "give each prediction of a crystal its own sample number",
            )
        by_row[one.row][one.sample] = one.cell
    if not by_row:
        raise DataError(
            "there are no predictions to judge", "run 'nucleate predict --like DIR --split val' first"
        )
    samples = 1 + max(max(numbers) for numbers in by_row.values())
    if k and max(k) > samples:
        raise DataError(
            f"k = {max(k)} needs {max(k)} samples of each crystal, but there are {samples}",
            f"predict with -n {max(k)}, or ask for -k {samples}",
        )
    rows = sorted(by_row)
    cells = [[by_row[row].get(sample) for sample in range(samples)] for row in rows]
    missing = len(rows) * samples - sum(len(numbers) for numbers in by_row.values())
    return rows, cells, missing


def _across_rows(
    rows: list[int], verdicts: list[RowVerdict], settings: CspSettings, work: Work
) -> tuple[dict[tuple[int, int], float], dict[str, int]]:
    """Match the first sample of every row with the references of all other rows of its composition."""
    groups: dict[bytes, list[tuple[int, Reduced]]] = defaultdict(list)
    for row, one in zip(rows, verdicts, strict=True):
        if one.reference:
            groups[one.reference.composition].append((row, one.reference))
    pairs = [
        (row, other, one.first, reduced)
        for row, one in zip(rows, verdicts, strict=True)
        if one.first
        for other, reduced in groups.get(one.first.composition, ())
        if other != row
    ]
    jobs = [
        CrossJob(pairs[start : start + PAIRS_PER_JOB], settings.matcher, settings.timeout)
        for start in range(0, len(pairs), PAIRS_PER_JOB)
    ]
    cross, failures = {}, defaultdict(int)
    for results in work.run("METRe", judge_pairs, jobs, len(jobs)) if jobs else ():
        for i, j, rms, failure in results:
            if rms is not None:
                cross[i, j] = rms
            if failure:
                failures[failure] += 1
    return cross, dict(failures)


class MatchRate(NamedTuple):
    """Share of structures that match, mean RMS displacement of those (None without any), all structures."""

    match_rate: float
    rmse: float | None
    n: int


def match_rate(
    structures: Sequence[Structure | Cell | None],
    reference_structures: Sequence[Structure | Cell],
    work: Work = Work(),
) -> MatchRate:
    """Match rate at one sample under the `geometry` protocol, structure by structure; None counts as a miss.

    Meant for a look at about a hundred crystals during training; `evaluate` is for numbers to publish.
    """
    if len(structures) != len(reference_structures):
        raise DataError(
            f"{len(structures)} structures can't be compared with {len(reference_structures)} references",
            "give one reference for each structure",
        )
    cells = [x if x is None or isinstance(x, Cell) else Cell.of(x) for x in structures]
    references = [x if isinstance(x, Cell) else Cell.of(x) for x in reference_structures]
    jobs = [
        RowJob(r, [c], Matcher(), work.seconds(MATCH_SECONDS), False)
        for c, r in zip(cells, references, strict=True)
    ]
    verdicts = [v.samples[0] for v in work.run("matching", judge_row, jobs, len(jobs))]
    matched = [v.rms for v in verdicts if v.rms is not None and not v.geometry]
    return MatchRate(
        len(matched) / max(len(jobs), 1), sum(matched) / len(matched) if matched else None, len(jobs)
    )
