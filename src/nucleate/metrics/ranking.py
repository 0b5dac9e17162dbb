"""Rank predicted structures of one composition by agreement: how many samples are like it.

Samples that match with the default tolerances of pymatgen's StructureMatcher are one cluster: connected components,
found exactly. Pairs that are connected already are not compared for that, as their distance can't change a component.

A sample's support is the number of others that match it with the field's wide tolerances, plus the number of those that
match with the default ones: of the samples the one that is likeliest to match another draw, and so the truth if the
draws are fair (minimum Bayes risk decoding: Kumar and Byrne 2004, N04-1022). The best supported sample of a cluster
represents it, and clusters are ranked by its support. All samples are put in an order of their own first (by volume),
so that nothing depends on the order they are given in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nucleate.cell import Cell
from nucleate.data.cell_forms import space_group
from nucleate.defects import Rule, Rules, above, defect, is_finite
from nucleate.measures import closest_pair, volume
from nucleate.metrics.matching import Matcher, try_match
from nucleate.metrics.reduction import Reduced, reduce_cell

if TYPE_CHECKING:
    from pymatgen.core import Structure

PAIR_SECONDS = 10.0
OTHERS = 32
"""Samples that each is compared with for its support, evenly spread over the order, itself among them or not."""
DEFAULT_TOLERANCES = Matcher(stol=0.3, angle_tol=5.0, ltol=0.2)
"""Those of pymatgen's StructureMatcher; the match rates of the field use wider ones."""
WIDE_TOLERANCES = Matcher()
"""Those of the field's match rates."""


@dataclass(frozen=True)
class Cluster:
    """Samples that agree.

    Attributes:
        members: indices of the structures, the representative first.
        share: of all samples of the composition.
        space_group: symbol of the representative at 0.1 Å, or "-".
        undecided: comparisons of its members that timed out or failed, and so count as no match.
    """

    members: tuple[int, ...]
    share: float
    space_group: str
    undecided: int = 0


def rank_by_agreement(structures: list[Structure], timeout: float = PAIR_SECONDS) -> list[Cluster]:
    """Clusters of structures of one composition, best supported first, and of two with one support the denser first.

    The member with the most support represents its cluster, and of several the one with the smallest mean distance to
    the others of them. Of more than OTHERS samples only these many, by volume, count for support. Structures that break
    RANKED are in no cluster. `timeout`: seconds for one comparison.
    """
    usable = [i for i, structure in enumerate(structures) if defect(Cell.of(structure), RANKED) is None]
    cells = {i: _reduce(structures[i], timeout) for i in usable}
    order = sorted(usable, key=lambda i: _place(cells[i] or Cell.of(structures[i])))
    pairs = _Pairs([cells[i] for i in order], timeout)
    found = []
    for group in _components(len(order), pairs.distance):
        support = [pairs.support(i) for i in group]
        best = [i for i, own in zip(group, support, strict=True) if own == max(support)]
        found.append((-max(support), best, group))
    clusters = []
    for _, best, group in sorted(found):
        centre = order[_middle(best, pairs.distance)]
        members = (centre, *sorted(order[i] for i in group if order[i] != centre))
        share = len(group) / len(structures)
        clusters.append(
            Cluster(members, share, space_group(Cell.of(structures[centre])), pairs.undecided(group))
        )
    return clusters


RANKED = Rules(
    (
        is_finite("not_finite"),
        Rule("flat", volume, above(0.1)),
        Rule("atoms_too_close", closest_pair, above(0.5)),
    )
)
"""Finite, with a volume (Å^3), and no two atoms within 0.5 Å."""


def _reduce(structure: Structure, timeout: float) -> Reduced | None:
    return try_match(lambda: reduce_cell(Cell.of(structure)), timeout)[0]


def _place(cell: Reduced | Cell) -> tuple[float, bytes, bytes]:
    return cell.volume / len(cell.species), cell.lattice.tobytes(), cell.frac.tobytes()


class _Pairs:
    """Comparisons of reduced cells, each made once and only when needed."""

    def __init__(self, cells: list[Reduced | None], timeout: float) -> None:
        self.cells, self.timeout = cells, timeout
        self.known: dict[tuple[Matcher, int, int], float] = {}
        self.failed: set[tuple[int, int]] = set()
        spread = np.linspace(0, len(cells) - 1, min(OTHERS, len(cells)))
        self.others = sorted({round(place) for place in spread.tolist()})

    def distance(self, first: int, second: int, matcher: Matcher = DEFAULT_TOLERANCES) -> float:
        """Normalised RMS displacement, infinite without a match."""
        # the matcher is not quite symmetric at the edge of its tolerances
        pair = matcher, min(first, second), max(first, second)
        if pair not in self.known:
            self.known[pair] = self._match(*pair)
        return self.known[pair]

    def support(self, one: int) -> int:
        """2 for each of the others that matches closely, 1 for each that matches with wide tolerances alone."""
        found = 0
        for other in self.others:
            if other != one and np.isfinite(self.distance(one, other)):
                found += 2
            elif other != one:
                found += bool(np.isfinite(self.distance(one, other, WIDE_TOLERANCES)))
        return found

    def _match(self, matcher: Matcher, first: int, second: int) -> float:
        one, other = self.cells[first], self.cells[second]
        if one is None or other is None:
            found, failure = None, "matcher_failed"
        else:
            found, failure = try_match(lambda: matcher.rms(one, other), self.timeout)
        if failure and matcher is DEFAULT_TOLERANCES:
            self.failed.add((first, second))
        return np.inf if found is None else found

    def undecided(self, group: list[int]) -> int:
        return sum(1 for pair in self.failed if not set(pair).isdisjoint(group))


def _components(count: int, distance: Callable[[int, int], float]) -> list[list[int]]:
    """Connected components; neighbours in the order come first, as they are the likeliest to match."""
    parent = list(range(count))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = node = parent[parent[node]]
        return node

    for gap in range(1, count):
        for node in range(count - gap):
            one, other = root(node), root(node + gap)
            if one != other and np.isfinite(distance(node, node + gap)):
                parent[max(one, other)] = min(one, other)
    groups: dict[int, list[int]] = {}
    for node in range(count):
        groups.setdefault(root(node), []).append(node)
    return list(groups.values())


def _middle(group: list[int], distance: Callable[[int, int], float]) -> int:
    start = max(0, (len(group) - OTHERS) // 2)
    candidates = group[start : start + OTHERS]
    mean = [sum(min(distance(i, j), 1.0) for j in candidates if j != i) for i in candidates]
    return candidates[int(np.argmin(mean))]
