"""Uniqueness: how many different crystals there are among the samples, in whatever order they come.

Samples that fit each other are one cluster, and so are those that a chain of fits connects (connected components), as
`fit` is not transitive (pymatgen issue 4528). A pair is judged in one direction, the one with the smaller volume for
each atom first, as `fit` is not quite symmetric either. So nothing depends on the order of the samples. The literature
counts one by one, keeping samples that fit none kept before (MatterGen, arXiv 2312.03687): that number is given too,
under its own name.

Pairs that can't match by composition or lattice are left out, and pairs connected already are not compared. Both change
no cluster.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np

from nucleate.cell import Cell
from nucleate.metrics.amd import largest_difference
from nucleate.metrics.dng.equivalence import (
    ComparedSamples,
    EquivalenceSettings,
    by_composition,
    canonical_key,
    descriptors,
    not_judged,
)
from nucleate.metrics.dng.family import Family, Measure, share
from nucleate.metrics.matching import Matcher, Shapes, try_match
from nucleate.metrics.reduction import Reduced
from nucleate.work import Work

PAIRS_PER_JOB = 16
PAIRS_PER_ROUND = 512
BLOCK = 1_000_000

PairJob = tuple[list[tuple[Reduced, Reduced]], Matcher, float | None]


def judge_uniqueness(
    samples: ComparedSamples | Sequence[Cell | None],
    settings: EquivalenceSettings | None = None,
    work: Work = Work(),
    valid: Sequence[bool] | None = None,
) -> Family:
    """How many of the samples are different crystals.

    Args:
        samples: cells, None where one could not be made or read; or `ComparedSamples`, to share work between judges.
        settings: tolerances and time limits.
        work: executor, progress and the time limit of a comparison.
        valid: of each sample; adds the share over the valid ones.

    Columns: `unique` (the one sample of its cluster that stands for it: of the valid ones, if any, the first in an
    order of their own), `cluster` (the index of that one), `uniqueness_problem`, `uniqueness_undecided` (comparisons
    that timed out or failed, which count as no match). A sample that can't be judged is in no cluster and not unique;
    one that is alone with its formula is unique as it is. Raises DataError where there are no samples.
    """
    samples = ComparedSamples.of(samples, settings)
    groups: dict[object, list[int]] = defaultdict(list)
    for row, formula in enumerate(samples.formulas):
        if formula is not None:
            groups[formula].append(row)
    shared = [row for rows in groups.values() if len(rows) > 1 for row in rows]
    samples.reduce(shared, work)
    pairs = _PairVerdicts(samples, work.seconds(samples.settings.timeout))
    with work.mapped() as mapped:
        pairs.connect(by_composition(shared, samples.reduced), mapped, work)
    alone = [rows[0] for rows in groups.values() if len(rows) == 1]
    clusters = pairs.clusters(sorted(alone + [row for row in shared if row in samples.reduced]))
    kept = sum(_greedy(members, pairs) for members in clusters)
    return _family(samples, clusters, kept, pairs, valid)


class _PairVerdicts:
    """Verdicts on pairs of samples, and which samples they connect."""

    def __init__(self, samples: ComparedSamples, timeout: float | None) -> None:
        self.samples, self.timeout = samples, timeout
        self.parent = list(range(len(samples)))
        self.known: dict[tuple[int, int], bool] = {}
        self.undecided: Counter[int] = Counter()
        self.failed = 0

    def root(self, row: int) -> int:
        while self.parent[row] != row:
            self.parent[row] = row = self.parent[self.parent[row]]
        return row

    def connect(self, groups: list[list[int]], mapped: Callable, work: Work) -> None:
        """Compare all pairs of each group that can match, the likeliest first, until every pair is decided."""
        parts = [_candidates(group, self.samples) for group in groups if len(group) > 1]
        if not parts:
            return
        pairs = np.concatenate([pairs for pairs, _ in parts])
        order = np.argsort(np.concatenate([distance for _, distance in parts]), kind="stable")
        pairs = pairs[order]
        start, size = 0, PAIRS_PER_ROUND * work.width
        while start < len(pairs):
            chosen = []
            while start < len(pairs) and len(chosen) < size:
                first, second = (int(row) for row in pairs[start])
                start += 1
                if self.root(first) != self.root(second):
                    chosen.append((first, second))
            self._judge(chosen, mapped)
            work.tell("comparing samples", start, len(pairs))

    def _judge(self, chosen: list[tuple[int, int]], mapped: Callable) -> None:
        cells, settings = self.samples.reduced, self.samples.settings
        pieces = [chosen[i : i + PAIRS_PER_JOB] for i in range(0, len(chosen), PAIRS_PER_JOB)]
        jobs = [
            ([(cells[i], cells[j]) for i, j in piece], settings.matcher, self.timeout) for piece in pieces
        ]
        for piece, results in zip(pieces, mapped(fit_pairs, jobs), strict=True):
            for pair, verdict in zip(piece, results, strict=True):
                self._note(pair, verdict)

    def _note(self, pair: tuple[int, int], verdict: tuple[bool, str]) -> bool:
        self.known[pair], failure = verdict
        if failure:
            self.failed += 1
            self.undecided.update(pair)
        elif self.known[pair]:
            roots = sorted(self.root(row) for row in pair)
            self.parent[roots[1]] = roots[0]
        return self.known[pair]

    def same(self, first: int, second: int) -> bool:
        """The verdict on one pair, computed if not known."""
        cells, settings = self.samples.reduced, self.samples.settings
        if canonical_key(cells[second]) < canonical_key(cells[first]):
            first, second = second, first
        known = self.known.get((first, second), self.known.get((second, first)))
        if known is not None:
            return known
        job = ([(cells[first], cells[second])], settings.matcher, self.timeout)
        return self._note((first, second), fit_pairs(job)[0])

    def clusters(self, rows: Iterable[int]) -> list[list[int]]:
        groups: dict[int, list[int]] = defaultdict(list)
        for row in rows:
            groups[self.root(row)].append(row)
        return list(groups.values())


def fit_pairs(job: PairJob) -> list[tuple[bool, str]]:
    """(whether they fit, failure) of each pair, each within the time limit."""
    pairs, matcher, timeout = job
    results = []
    for first, second in pairs:
        fits, failure = try_match(partial(matcher.fits, first, second), timeout)
        results.append((bool(fits), failure))
    return results


def _candidates(group: list[int], samples: ComparedSamples) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of one composition whose lattices can match, and their distances: [pairs, 2] and [pairs]."""
    settings = samples.settings
    group = sorted(group, key=lambda row: canonical_key(samples.reduced[row]))
    cells = [samples.reduced[row] for row in group]
    rows, shapes = np.array(group, dtype=np.int32), Shapes.of(cells)
    described = descriptors(cells, settings) if len(cells) >= settings.order_from else None
    pairs, distances = [], []
    step = max(1, BLOCK // len(cells))
    for start in range(0, len(cells), step):
        i, j = np.nonzero(
            np.arange(start, min(start + step, len(cells)))[:, None] < np.arange(len(cells))[None, :]
        )
        i += start
        possible = settings.matcher.may_match(shapes.at(i), shapes.at(j))
        i, j = i[possible], j[possible]
        pairs.append(np.stack([rows[i], rows[j]], 1))
        # in groups without descriptors, neighbours in the order of volumes first
        distances.append((j - i) * 1e-3 if described is None else _distances(described, i, j))
    return np.concatenate(pairs), np.concatenate(distances)


def _distances(described: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    step = max(1, BLOCK // described.shape[1])
    parts = [
        largest_difference(described[i[k : k + step]], described[j[k : k + step]])
        for k in range(0, len(i), step)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)


def _greedy(members: list[int], pairs: _PairVerdicts) -> int:
    """How many samples of one cluster fit none kept before, in the order of the samples."""
    if len(members) < 3:
        return 1
    kept: list[int] = []
    for row in members:
        if not any(pairs.same(row, other) for other in kept):
            kept.append(row)
    return len(kept)


def _representative(members: list[int], samples: ComparedSamples, valid: Sequence[bool]) -> int:
    if len(members) == 1:
        return members[0]
    return min(members, key=lambda row: (not valid[row], canonical_key(samples.reduced[row])))


def _family(
    samples: ComparedSamples,
    clusters: list[list[int]],
    kept: int,
    pairs: _PairVerdicts,
    valid: Sequence[bool] | None,
) -> Family:
    cluster: list[int | None] = [None] * len(samples)
    for members in clusters:
        chosen = _representative(members, samples, valid or [True] * len(samples))
        for row in members:
            cluster[row] = chosen
    problems = [
        "" if number is not None else problem
        for number, problem in zip(cluster, samples.problems, strict=True)
    ]
    columns = {
        "unique": [number == row for row, number in enumerate(cluster)],
        "cluster": cluster,
        "uniqueness_problem": problems,
        "uniqueness_undecided": [pairs.undecided[row] for row in range(len(samples))],
    }
    unjudged, reasons = not_judged(problems, "uniqueness", "unique")
    measures = _measures(cluster, kept, unjudged, valid)
    notes = [
        "The share of unique samples falls with their number: compare it at equal numbers only.",
        f"The largest cluster has {max(map(len, clusters), default=0)} of {len(samples)} samples.",
        *reasons,
    ]
    if pairs.failed:
        notes.append(
            f"{pairs.failed} comparisons were not decided (time limit or degenerate cells) and count as no match."
        )
    return Family("uniqueness", "Uniqueness", measures, columns, [], samples.settings.to_dict(), notes)


def _measures(
    cluster: list[int | None], kept: int, unjudged: Measure, valid: Sequence[bool] | None
) -> dict[str, Measure]:
    total, distinct = len(cluster), set(cluster) - {None}
    measures = {
        "unique": share(
            len(distinct), total, "generated",
            "clusters of samples that fit each other (StructureMatcher.fit with the tolerances of the settings), "
            "directly or through others, for each sample",
        ),
        "unique_first_come": share(
            kept, total, "generated",
            "samples that fit none kept before, in the order of the samples: the count of MatterGen (arXiv 2312.03687)",
        ),
        "not_judged": unjudged,
    }  # fmt: skip
    if valid is not None:
        among = {number for number, ok in zip(cluster, valid, strict=True) if ok} - {None}
        description = "clusters with a valid sample, for each valid sample"
        measures["unique_valid"] = share(len(among), sum(map(bool, valid)), "valid", description)
    return measures
