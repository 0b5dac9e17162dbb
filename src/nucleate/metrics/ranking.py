"""Rank predicted structures of one composition by agreement: how many samples fall into the same cluster.

Samples that match (pymatgen's StructureMatcher with its default tolerances) are one cluster; connected components,
so that the order of the samples does not matter. The member with the smallest mean distance to the others stands for
its cluster.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Structure

SYMMETRY_TOLERANCE = 0.1


@dataclass(frozen=True)
class Cluster:
    """Samples that agree.

    Attributes:
        members: indices of the structures, the representative first.
        share: of all samples of the composition.
        space_group: symbol of the representative at 0.1 Å, or "-".
    """

    members: tuple[int, ...]
    share: float
    space_group: str


def rank_by_agreement(structures: list[Structure]) -> list[Cluster]:
    """Clusters of structures of one composition, largest first."""
    matcher = StructureMatcher()
    count = len(structures)
    usable = [i for i in range(count) if is_usable(structures[i])]
    distances = np.full((count, count), np.inf)
    for place, i in enumerate(usable):
        for j in usable[place + 1 :]:
            found = matcher.get_rms_dist(structures[i], structures[j])
            if found is not None:
                distances[i, j] = distances[j, i] = found[0]
    clusters = [_cluster(group, distances, structures, count) for group in _components(usable, distances)]
    return sorted(clusters, key=lambda cluster: (-len(cluster.members), cluster.members))


def is_usable(structure: Structure) -> bool:
    """Whether a structure is finite, has a volume, and no two atoms closer than 0.5 Å."""
    if not np.isfinite(structure.lattice.matrix).all() or not np.isfinite(structure.frac_coords).all():
        return False
    return structure.volume > 0.1 and structure.is_valid(tol=0.5)


def _components(nodes: list[int], distances: np.ndarray) -> list[list[int]]:
    left, groups = set(nodes), []
    while left:
        group, frontier = [], [min(left)]
        left.discard(frontier[0])
        while frontier:
            node = frontier.pop()
            group.append(node)
            linked = [other for other in left if np.isfinite(distances[node, other])]
            left.difference_update(linked)
            frontier += linked
        groups.append(sorted(group))
    return groups


def _cluster(group: list[int], distances: np.ndarray, structures: list[Structure], count: int) -> Cluster:
    inside = np.minimum(distances[np.ix_(group, group)], 1.0)
    np.fill_diagonal(inside, 0)
    centre = group[int(inside.sum(1).argmin())]
    members = (centre, *(i for i in group if i != centre))
    return Cluster(members, len(group) / count, space_group(structures[centre]))


def space_group(structure: Structure) -> str:
    """Hermann-Mauguin symbol at a tolerance of 0.1 Å, "-" where none can be found."""
    import spglib

    cell = (structure.lattice.matrix.tolist(), structure.frac_coords.tolist(), list(structure.atomic_numbers))
    found = spglib.get_spacegroup(cell, symprec=SYMMETRY_TOLERANCE)
    return found.split(" (")[0] if found else "-"
