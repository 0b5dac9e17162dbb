"""Candidates for a composition: every entry of its anonymous cell formula, with every assignment of its roles.

Elements of equal count may take the roles of that count in any order: a half-Heusler ABC has three different ones. All
are candidates, each with a distance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from typing import Literal

import numpy as np

from nucleate.prototypes.index import Index
from nucleate.prototypes.labels import automorphisms, orders

Cells = Literal["same", "any"]
"""Cells of as many atoms as are asked for, or of any number of formula units."""
Counts = tuple[int, ...]
"""Atoms of each role in a cell, in ascending order."""


@dataclass(frozen=True, eq=False)
class Family:
    """The entries of one anonymous cell formula.

    Attributes:
        counts: atoms of each role, ascending.
        entries: their numbers in the index. [entries]
        elements: atomic numbers by role. [entries, roles]
        kind: the same number, from 0, for the same prototype. [entries]
        popular: how many entries of the family have the prototype. [entries]
        ways: orders in which elements, sorted by count, may take the roles. [ways, roles]
        same_way: for each kind and way the first way that makes the same crystal. [kinds, ways]
    """

    counts: Counts
    entries: np.ndarray
    elements: np.ndarray
    kind: np.ndarray
    popular: np.ndarray
    ways: np.ndarray
    same_way: np.ndarray


@dataclass(frozen=True, eq=False)
class Candidates:
    """Ways to make a composition.

    Attributes:
        entries: numbers in the index. [candidates]
        elements: the atomic number that each role of the entry gets. [candidates, roles]
        old: the atomic number it has there. [candidates, roles]
        known: whether the entry has the formula itself, each element in its place. [candidates]
        distance: mean distance of the new elements from the old ones over the atoms. [candidates]
        group: the same number for the same prototype with the elements in equivalent roles. [candidates]
        popular: entries of the same cell formula with the same prototype. [candidates]
        units: how many cells of the entry make one of the composition. [candidates]
        weights: of each role, its share of the atoms. [candidates, roles]
    """

    entries: np.ndarray
    elements: np.ndarray
    old: np.ndarray
    known: np.ndarray
    distance: np.ndarray
    group: np.ndarray
    popular: np.ndarray
    units: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.entries)

    def take(self, chosen: np.ndarray) -> Candidates:
        """The candidates at these indices, in this order."""
        return Candidates(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


class Families:
    """The entries of an index by anonymous cell formula."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._by_counts: dict[Counts, list[int]] = defaultdict(list)
        cuts = np.split(index.counts, index.role_offsets[1:-1])
        for entry, counts in enumerate(cuts):
            self._by_counts[tuple(counts.tolist())].append(entry)

    @lru_cache(maxsize=256)  # noqa: B019 - as long-lived as the index
    def get(self, counts: Counts) -> Family | None:
        """The family of a cell formula, None where the index has no entry of it."""
        entries = np.array(self._by_counts.get(counts, ()), dtype=np.int64)
        if not len(entries):
            return None
        rows = self.index.role_offsets[entries][:, None] + np.arange(len(counts))
        labels, kind, number = np.unique(self.index.label[entries], return_inverse=True, return_counts=True)
        ways = np.array(orders(counts))
        same_way = np.array([_same_way(label, ways) for label in labels.tolist()])
        return Family(counts, entries, self.index.elements[rows], kind, number[kind], ways, same_way)

    def multiples(self, counts: Counts) -> list[Counts]:
        """Every cell formula of the index with the same anonymous formula, smallest first."""
        unit = _reduced(counts)
        return sorted((one for one in self._by_counts if _reduced(one) == unit), key=sum)


def candidates_of(
    families: Families, composition: Mapping[int, int], cells: Cells, distances: np.ndarray
) -> Candidates | None:
    """All candidates for a composition, None where there are none.

    Args:
        composition: atoms of each atomic number in the requested cell.
        cells: `same`: cells of as many atoms, and smaller ones that fit into them; `any`: of any number of formula
            units.
        distances: of every two atomic numbers.
    """
    counts = tuple(sorted(composition.values()))
    total = sum(counts)
    parts = []
    for one in families.multiples(counts):
        units = total // sum(one) if total % sum(one) == 0 else 0
        if cells == "any":
            units = 1
        if units:
            family = families.get(one)
            assert family is not None
            parts.append(_of_family(family, composition, units, distances))
    return _joined(parts) if parts else None


def _of_family(
    family: Family, composition: Mapping[int, int], units: int, distances: np.ndarray
) -> Candidates:
    numbers = np.array(sorted(composition, key=lambda z: (composition[z], z)))
    new = numbers[family.ways]  # [ways, roles]
    weights = np.array(family.counts) / sum(family.counts)
    cost = (distances[new[None], family.elements[:, None]] * weights).sum(-1)
    entry, way = np.divmod(np.arange(cost.size), len(new))
    elements, old, kind = new[way], family.elements[entry], family.kind[entry]
    return Candidates(
        family.entries[entry], elements, old, (elements == old).all(1), cost.reshape(-1),
        kind * len(new) + family.same_way[kind, way], family.popular[entry], np.full(cost.size, units),
        np.broadcast_to(weights, elements.shape),
    )  # fmt: skip


def _same_way(label: str, ways: np.ndarray) -> np.ndarray:
    """For each way to assign roles the first that is equivalent to it in a prototype. [ways]"""
    number = {tuple(way): place for place, way in enumerate(ways.tolist())}
    found = np.arange(len(ways))
    for order in automorphisms(label):
        others = [number.get(tuple(way), place) for place, way in enumerate(ways[:, list(order)].tolist())]
        found = np.minimum(found, others)
    return found


def few_of_a_group(found: Candidates, order: np.ndarray, most: int) -> np.ndarray:
    """Which candidates of an order are among the first so many of their group. [candidates]"""
    group = found.group[order]
    by_group = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[by_group], prepend=-1))
    place = np.empty(len(group), dtype=np.int64)
    place[by_group] = np.arange(len(group)) - np.repeat(starts, np.diff(starts, append=len(group)))
    return place < most


def _joined(parts: list[Candidates]) -> Candidates:
    first = parts[0]
    for other in parts[1:]:
        shift = int(first.group.max()) + 1
        names = [name for name in Candidates.__dataclass_fields__ if name != "group"]
        both = {name: np.concatenate([getattr(first, name), getattr(other, name)]) for name in names}
        first = Candidates(**both, group=np.concatenate([first.group, other.group + shift]))
    return first


def _reduced(counts: Counts) -> Counts:
    divisor = gcd(*counts)
    return tuple(count // divisor for count in counts)
