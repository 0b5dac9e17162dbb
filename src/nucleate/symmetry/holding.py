"""Whether Wyckoff positions can hold given numbers of atoms: exact, and fast enough to ask at each step of a draw.

Positions with freedom may be occupied any number of times, so what they hold is a set of sums; those without may be
occupied once, by one element, so they are counted by multiplicity and distributed over the elements.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

from nucleate.symmetry.wyckoff import space_group


def can_hold(number: int, counts: Mapping[int, int]) -> bool:
    """Whether the primitive cell of a space group can hold exactly these atoms of each element, by atomic number.

    Raises StructureError outside 1 to 230.
    """
    return can_fill(number, tuple((count, 0) for count in counts.values()))


def can_fill(number: int, demands: tuple[tuple[int, int], ...]) -> bool:
    """Whether several elements fit at once, each on positions from an index on.

    Args:
        number: of the space group.
        demands: atoms in the primitive cell, and the index of the first position that this element may still take.
            Elements must agree on which positions without freedom are left.
    """
    return _can_fill(number, tuple(sorted(demands)))


@lru_cache(maxsize=1 << 18)
def _can_fill(number: int, demands: tuple[tuple[int, int], ...]) -> bool:
    if not demands:
        return True
    sizes, ways = _fixed(number, min(first for _, first in demands))
    left = {tuple(most for _, most in sizes)}
    for atoms, first in demands:
        if not left:
            return False
        reach = reachable(number, first, atoms)
        fitting = [way for way, total in ways if total <= atoms and reach >> (atoms - total) & 1]
        left = {
            tuple(have - used for have, used in zip(one, way, strict=True))
            for one in left
            for way in fitting
            if all(have >= used for have, used in zip(one, way, strict=True))
        }
    return bool(left)


@lru_cache(maxsize=1 << 14)
def reachable(number: int, first: int, atoms: int) -> int:
    """Numbers of atoms up to `atoms` that positions with freedom from an index on can hold: bit n is set for n."""
    group = space_group(number)
    sums, below = 1, (1 << (atoms + 1)) - 1
    for position in group.positions[first:]:
        step = position.multiplicity // group.lattice_points
        if position.freedom and not sums >> step & 1:
            for _ in range(atoms // step):
                sums |= sums << step & below
    return sums


@lru_cache(maxsize=1 << 12)
def _fixed(number: int, first: int) -> tuple[list[tuple[int, int]], list[tuple[tuple[int, ...], int]]]:
    """Positions without freedom from an index on: (multiplicity, how many), and all ways to take some, with atoms."""
    group = space_group(number)
    sizes = sorted(
        Counter(
            position.multiplicity // group.lattice_points
            for position in group.positions[first:]
            if not position.freedom
        ).items()
    )
    ways = itertools.product(*(range(most + 1) for _, most in sizes))
    return sizes, [
        (way, sum(used * size for used, (size, _) in zip(way, sizes, strict=True))) for way in ways
    ]


@lru_cache(maxsize=1 << 16)
def most_sites(number: int, first: int, atoms: int) -> int:
    """The largest number of sites on positions from an index on that together hold exactly these atoms; -1 for none.

    Sites of the primitive cell; no atoms are no sites.
    """
    group = space_group(number)
    most = [0] + [-1] * atoms
    for position in group.positions[first:]:
        step = position.multiplicity // group.lattice_points
        totals = range(step, atoms + 1) if position.freedom else range(atoms, step - 1, -1)
        for total in totals:
            if most[total - step] >= 0:
                most[total] = max(most[total], most[total - step] + 1)
    return most[atoms]


@lru_cache(maxsize=1 << 18)
def can_split(number: int, demands: tuple[tuple[int, int], ...], taken: tuple[tuple[int, int], ...]) -> bool:
    """Whether several elements fit at once, each on sites of limited sizes, besides sites that are taken.

    Args:
        number: of the space group.
        demands: atoms of an element in the primitive cell, and the most atoms that one of its sites may have.
        taken: (atoms, sites): how many sites of this size are taken. Sizes that a position with freedom has never
            run out.
    """
    free, fixed = site_sizes(number)
    used = dict(taken)
    left = {tuple(most - used.get(size, 0) for size, most in fixed)}
    for atoms, largest in demands:
        sums = _sums(tuple(size for size in free if size <= largest), atoms)
        sizes = [size if size <= largest else 0 for size, _ in fixed]
        left = {rest for have in left for rest in _leftovers(have, sizes, sums, atoms)}
        if not left:
            return False
    return True


@lru_cache(maxsize=256)
def site_sizes(number: int) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...]]:
    """Atoms in the primitive cell of the sites of a group: of those with freedom, ascending, and (size, how many) of
    those without whose size none with freedom has."""
    group = space_group(number)
    sizes = [(one.multiplicity // group.lattice_points, one.freedom > 0) for one in group.positions]
    free = {size for size, has_freedom in sizes if has_freedom}
    fixed = Counter(size for size, has_freedom in sizes if not has_freedom and size not in free)
    return tuple(sorted(free)), tuple(sorted(fixed.items()))


@lru_cache(maxsize=1 << 14)
def _sums(sizes: tuple[int, ...], most: int) -> int:
    """Sums up to `most` of any numbers of these sizes: bit n is set for n."""
    sums, below = 1, (1 << (most + 1)) - 1
    for size in sizes:
        for _ in range(most // size):
            sums |= sums << size & below
    return sums


def _leftovers(have: tuple[int, ...], sizes: list[int], sums: int, atoms: int) -> set[tuple[int, ...]]:
    """What can be left of fixed sites after one element has taken some and filled up with free ones."""
    ways = itertools.product(
        *(range(most + 1) if size else (0,) for size, most in zip(sizes, have, strict=True))
    )
    found = set()
    for way in ways:
        rest = atoms - sum(used * size for used, size in zip(way, sizes, strict=True))
        if rest >= 0 and sums >> rest & 1:
            found.add(tuple(most - used for most, used in zip(have, way, strict=True)))
    return found
