"""Rank predicted structures of one composition by agreement: how many samples fall into the same cluster.

Samples that match with the default tolerances of pymatgen's StructureMatcher are one cluster: connected components,
found exactly. Pairs that are connected already are not compared, as their distance can't change a component. All
samples are put in an order of their own first (by volume), so that nothing depends on the order they are given in.
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
CANDIDATES = 32
DEFAULT_TOLERANCES = Matcher(stol=0.3, angle_tol=5.0, ltol=0.2)
"""Those of pymatgen's StructureMatcher; the match rates of the field use wider ones."""


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
    """Clusters of structures of one composition, largest first, and of two of one size the denser first.

    The member with the smallest mean distance to the others represents its cluster; in a cluster of more than
    CANDIDATES, the one among the CANDIDATES with volumes next to the median. Structures that break RANKED are in
    no cluster. `timeout`: seconds for one comparison.
    """
    usable = [i for i, structure in enumerate(structures) if defect(Cell.of(structure), RANKED) is None]
    cells = {i: _reduce(structures[i], timeout) for i in usable}
    order = sorted(usable, key=lambda i: _place(cells[i] or Cell.of(structures[i])))
    pairs = _PairDistances([cells[i] for i in order], timeout)
    groups = sorted(_components(len(order), pairs.distance), key=lambda group: (-len(group), group))
    clusters = []
    for group in groups:
        centre = order[_representative(group, pairs.distance)]
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


class _PairDistances:
    """Distances of reduced cells, each computed once and only when needed."""

    def __init__(self, cells: list[Reduced | None], timeout: float) -> None:
        self.cells, self.timeout = cells, timeout
        self.known: dict[tuple[int, int], float] = {}
        self.failed: list[tuple[int, int]] = []

    def distance(self, first: int, second: int) -> float:
        """Normalised RMS displacement, infinite without a match."""
        # the matcher is not quite symmetric at the edge of its tolerances
        pair = min(first, second), max(first, second)
        if pair not in self.known:
            self.known[pair] = self._match(*pair)
        return self.known[pair]

    def _match(self, first: int, second: int) -> float:
        one, other = self.cells[first], self.cells[second]
        if one is None or other is None:
            found, failure = None, "matcher_failed"
        else:
            found, failure = try_match(lambda: DEFAULT_TOLERANCES.rms(one, other), self.timeout)
        if failure:
            self.failed.append((first, second))
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


def _representative(group: list[int], distance: Callable[[int, int], float]) -> int:
    start = max(0, (len(group) - CANDIDATES) // 2)
    candidates = group[start : start + CANDIDATES]
    mean = [sum(min(distance(i, j), 1.0) for j in candidates if j != i) for i in candidates]
    return candidates[int(np.argmin(mean))]
