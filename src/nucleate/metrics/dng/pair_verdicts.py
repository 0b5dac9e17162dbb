"""Verdicts on pairs of samples: which fit each other, and the clusters that they connect.

Pairs that can't match by composition or lattice are left out, and pairs connected already are not compared. Both change
no cluster.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from functools import partial

import numpy as np

from nucleate.metrics.amd import largest_difference
from nucleate.metrics.dng.equivalence import ComparedSamples, canonical_key, descriptors
from nucleate.metrics.matching import Matcher, Shapes, try_match
from nucleate.metrics.reduction import Reduced
from nucleate.work import Work

PAIRS_PER_JOB = 16
PAIRS_PER_ROUND = 512
BLOCK = 1_000_000

PairJob = tuple[list[tuple[Reduced, Reduced]], Matcher, float | None]


class PairVerdicts:
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
