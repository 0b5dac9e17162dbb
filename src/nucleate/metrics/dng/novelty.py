"""Novelty: how many samples are not in the reference, usually the data that the model was trained on.

A sample is novel where no reference crystal of its reduced formula fits it, `StructureMatcher.fit(sample, reference)`:
the definition of MatterGen (arXiv 2312.03687). Its composition is novel where no reference has its reduced formula; its
chemical system, where no reference consists of the same elements.

The search for a sample ends with its first match. References that can't match by composition or lattice are left out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from nucleate.cell import Cell
from nucleate.metrics.amd import largest_difference
from nucleate.metrics.dng.equivalence import ComparedSamples, EquivalenceSettings, descriptors, not_judged
from nucleate.metrics.dng.family import Family, Measure, share, share_of
from nucleate.metrics.dng.reference_index import ReferenceIndex
from nucleate.metrics.matching import Shapes, try_match
from nucleate.metrics.reduction import Reduced
from nucleate.work import Work

SAMPLES_PER_JOB = 16


class NoveltyJob(NamedTuple):
    """Samples and references of one composition.

    described: descriptors of the references, if there are enough of them to sort.
    """

    samples: list[tuple[int, Reduced]]
    references: list[tuple[int, Reduced]]
    described: np.ndarray | None
    settings: EquivalenceSettings


class Search(NamedTuple):
    """Result for one sample: the row of the reference it matches, and undecided comparisons."""

    sample: int
    reference: int | None
    undecided: int


def judge_novelty(
    samples: ComparedSamples | Sequence[Cell | None],
    index: ReferenceIndex,
    settings: EquivalenceSettings | None = None,
    work: Work = Work(),
    valid: Sequence[bool] | None = None,
) -> Family:
    """How many of the samples are not in the reference.

    index: the reference; the other arguments are as in `judge_uniqueness`.

    Columns: `novel`, `matched_id` (a reference that the sample fits), `novel_composition`, `novel_system`,
    `novelty_problem`, `novelty_undecided` (comparisons that timed out or failed, which count as no match). A sample
    that can't be judged is not novel. Raises DataError where there are no samples.
    """
    samples = ComparedSamples.of(samples, settings)
    known = [
        row
        for row, formula in enumerate(samples.formulas)
        if formula is not None and formula in index.formulas
    ]
    samples.reduce(known, work)
    jobs, missing = _jobs(known, samples, index, work)
    matched: dict[int, int] = {}
    undecided = Counter(missing)
    for results in work.run("comparing with references", search, jobs, len(jobs)) if jobs else ():
        for found in results:
            undecided[found.sample] += found.undecided
            if found.reference is not None:
                matched[found.sample] = found.reference
    for row in matched:
        undecided.pop(row, None)
    return _family(samples, index, matched, undecided, valid)


def _jobs(
    known: list[int], samples: ComparedSamples, index: ReferenceIndex, work: Work
) -> tuple[list[NoveltyJob], Counter[int]]:
    """The work by composition, and for each sample how many references of its formula can't be reduced."""
    formulas = dict.fromkeys(formula for row in known if (formula := samples.formulas[row]) is not None)
    reduced = index.reduce((r for f in formulas for r in index.formulas[f]), samples.settings, work)
    references: dict[bytes, list[int]] = defaultdict(list)
    for row, cell in reduced.items():
        references[cell.composition].append(row)
    wanted: dict[bytes, list[int]] = defaultdict(list)
    missing: Counter[int] = Counter()
    for row in known:
        if row in samples.reduced:
            wanted[samples.reduced[row].composition].append(row)
            missing[row] = sum(other not in reduced for other in index.formulas[samples.formulas[row] or ()])
    jobs = []
    for composition, rows in wanted.items():
        others = references.get(composition, [])
        if not others:
            continue
        many = len(others) >= samples.settings.order_from
        described = index.described(others, samples.settings) if many else None
        pairs = [(row, samples.reduced[row]) for row in rows]
        targets = [(row, reduced[row]) for row in others]
        jobs += [
            NoveltyJob(pairs[start : start + SAMPLES_PER_JOB], targets, described, samples.settings)
            for start in range(0, len(pairs), SAMPLES_PER_JOB)
        ]
    return jobs, missing


def search(job: NoveltyJob) -> list[Search]:
    """Look for each sample among the references of its composition, up to the first match."""
    shapes = Shapes.of([cell for _, cell in job.references])
    return [_search_one(row, cell, job, shapes) for row, cell in job.samples]


def _search_one(row: int, cell: Reduced, job: NoveltyJob, shapes: Shapes) -> Search:
    settings, undecided = job.settings, 0
    possible = np.flatnonzero(settings.matcher.may_match(Shapes.of([cell]), shapes))
    if job.described is not None and len(possible) > 1:
        distances = largest_difference(job.described[possible], descriptors([cell], settings))
        possible = possible[np.argsort(distances, kind="stable")]
    for place in possible:
        reference, other = job.references[place]
        fits, failure = try_match(partial(settings.matcher.fits, cell, other), settings.timeout)
        undecided += bool(failure)
        if fits:
            return Search(row, reference, undecided)
    return Search(row, None, undecided)


def _family(
    samples: ComparedSamples, index: ReferenceIndex, matched: dict[int, int], undecided: Counter[int],
    valid: Sequence[bool] | None,
) -> Family:  # fmt: skip
    problems = [
        "" if formula is not None and formula not in index.formulas else problem
        for formula, problem in zip(samples.formulas, samples.problems, strict=True)
    ]
    novel = [not problem and row not in matched for row, problem in enumerate(problems)]
    composition: list[bool | None] = [
        None if f is None else f not in index.formulas for f in samples.formulas
    ]
    system: list[bool | None] = [
        None if f is None else tuple(number for number, _ in f) not in index.systems for f in samples.formulas
    ]
    columns = {
        "novel": novel,
        "matched_id": [index.ids[matched[row]] if row in matched else None for row in range(len(samples))],
        "novel_composition": composition,
        "novel_system": system,
        "novelty_problem": problems,
        "novelty_undecided": [undecided[row] for row in range(len(samples))],
    }
    settings = samples.settings.to_dict() | {"reference": index.name, "reference_crystals": len(index)}
    unjudged, notes = not_judged(problems, "novelty", "novel")
    measures = _measures(columns, index.name, unjudged, valid)
    notes = [*index.notes, *notes, *_notes(index, undecided)]
    return Family("novelty", "Novelty", measures, columns, [], settings, notes)


def _measures(
    columns: dict[str, list], reference: str, unjudged: Measure, valid: Sequence[bool] | None
) -> dict[str, Measure]:
    measures = {
        "novel": share_of(
            columns["novel"],
            f"samples that no crystal of {reference} fits (StructureMatcher.fit with the tolerances of the settings)",
        ),
        "novel_compositions": share_of(
            columns["novel_composition"],
            f"samples whose reduced formula is not in {reference}"
        ),
        "novel_systems": share_of(
            columns["novel_system"],
            f"samples whose set of elements is not in {reference}"
        ),
        "not_judged": unjudged,
    }  # fmt: skip
    if valid is not None:
        both = [a and bool(b) for a, b in zip(columns["novel"], valid, strict=True)]
        measures["novel_valid"] = share(
            sum(both), sum(map(bool, valid)), "valid", f"valid samples that no crystal of {reference} fits"
        )
    return measures


def _notes(index: ReferenceIndex, undecided: Counter[int]) -> list[str]:
    notes = []
    doubtful = sum(count > 0 for count in undecided.values())
    if doubtful:
        notes.append(
            f"{doubtful} samples count as novel although {sum(undecided.values())} comparisons of theirs were not "
            "decided (time limit or degenerate cells)."
        )
    if index.failures:
        notes.append(
            f"{len(index.failures)} of the references needed could not be reduced and match nothing."
        )
    return notes
