"""Which sites of a space group hold a composition: exact, in a fixed order, up to a cap.

A combination gives each element a multiset of positions whose multiplicities add up to its atoms, with no position
without freedom occupied twice. Whether there is one at all is decided in holding.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nucleate.symmetry.holding import can_hold
from nucleate.symmetry.sites import Sites
from nucleate.symmetry.wyckoff import SpaceGroup, space_group


def combinations(number: int, counts: Mapping[int, int], limit: int = 1000) -> list[Sites]:
    """Sites of a space group whose primitive cell holds exactly these atoms, at most `limit` of them.

    Elements go by atomic number, positions by letter; few large positions come before many small ones.

    Args:
        number: of the space group.
        counts: atoms of each element in the primitive cell, by atomic number.
        limit: most combinations to return.

    Raises:
        StructureError: outside 1 to 230.
    """
    if not can_hold(number, counts):
        return []
    group = space_group(number)
    elements = sorted(counts)
    found = []
    for chosen in _assign(group, [counts[element] for element in elements], frozenset()):
        pairs = sorted(
            (index, element) for element, indices in zip(elements, chosen, strict=True) for index in indices
        )
        letters = tuple(group.positions[index].letter for index, _ in pairs)
        found.append(Sites(number, letters, tuple(element for _, element in pairs)))
        if len(found) == limit:
            break
    return found


def _assign(group: SpaceGroup, counts: list[int], taken: frozenset[int]) -> Iterator[list[tuple[int, ...]]]:
    """Positions for each count, those without freedom not taken twice."""
    if not counts:
        yield []
        return
    for chosen in _fill(group, counts[0], len(group.positions) - 1, taken):
        fixed = frozenset(index for index in chosen if not group.positions[index].freedom)
        for others in _assign(group, counts[1:], taken | fixed):
            yield [chosen, *others]


def _fill(group: SpaceGroup, atoms: int, last: int, taken: frozenset[int]) -> Iterator[tuple[int, ...]]:
    """Positions up to index `last` whose multiplicities in the primitive cell add up to a number of atoms."""
    if atoms == 0:
        yield ()
        return
    for index in range(last, -1, -1):
        position = group.positions[index]
        multiplicity = position.multiplicity // group.lattice_points
        if multiplicity > atoms or index in taken:
            continue
        for rest in _fill(group, atoms - multiplicity, index if position.freedom else index - 1, taken):
            yield (index, *rest)
