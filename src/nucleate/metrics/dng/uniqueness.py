"""Uniqueness: how many different crystals there are among the samples, in whatever order they come.

Samples that fit each other are one cluster, and so are those that a chain of fits connects (connected components), as
`fit` is not transitive (pymatgen issue 4528). A pair is judged in one direction, the one with the smaller volume for
each atom first, as `fit` is not quite symmetric either. So nothing depends on the order of the samples. The literature
counts one by one, keeping samples that fit none kept before (MatterGen, arXiv 2312.03687): that number is given too,
under its own name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from nucleate.cell import Cell
from nucleate.metrics.dng.equivalence import (
    ComparedSamples,
    EquivalenceSettings,
    by_composition,
    canonical_key,
    not_judged,
)
from nucleate.metrics.dng.family import Family, Measure, share
from nucleate.metrics.dng.pair_verdicts import PairVerdicts
from nucleate.work import Work


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
    pairs = PairVerdicts(samples, work.seconds(samples.settings.timeout))
    with work.mapped() as mapped:
        pairs.connect(by_composition(shared, samples.reduced), mapped, work)
    alone = [rows[0] for rows in groups.values() if len(rows) == 1]
    clusters = pairs.clusters(sorted(alone + [row for row in shared if row in samples.reduced]))
    kept = sum(_greedy(members, pairs) for members in clusters)
    return _family(samples, clusters, kept, pairs, valid)


def _greedy(members: list[int], pairs: PairVerdicts) -> int:
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
    pairs: PairVerdicts,
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
