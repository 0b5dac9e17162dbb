"""Candidates for a composition: every entry of its anonymous cell formula, with every way to hand out its roles.

Roles of equal count may be taken by the elements in any order: a half-Heusler ABC has three different ones, a spinel
AB2C4 is normal or inverse only where counts agree. All are candidates, with a distance each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import gcd

import numpy as np

from nucleate.prototypes.index import Index
from nucleate.prototypes.labels import orders

Counts = tuple[int, ...]
"""Atoms of each role in a cell, ascending."""


@dataclass(frozen=True, eq=False)
class Family:
    """The entries of one anonymous cell formula.

    Attributes:
        counts: atoms of each role, ascending.
        entries: their numbers in the index. [entries]
        elements: atomic numbers by role. [entries, roles]
        kind: the same number for the same prototype. [entries]
        popular: how many entries of the family have the prototype. [entries]
    """

    counts: Counts
    entries: np.ndarray
    elements: np.ndarray
    kind: np.ndarray
    popular: np.ndarray


@dataclass(frozen=True, eq=False)
class Candidates:
    """Ways to make a composition.

    Attributes:
        entries: numbers in the index. [candidates]
        elements: the atomic number that each role of the entry gets. [candidates, roles]
        old: the atomic number it has there. [candidates, roles]
        known: whether the entry has the formula itself, each element in its place. [candidates]
        distance: mean distance of the new elements from the old ones over the atoms. [candidates]
        units: how many cells of the entry make one of the composition. [candidates]
        weights: of each role, its share of the atoms. [candidates, roles]
    """

    entries: np.ndarray
    elements: np.ndarray
    old: np.ndarray
    known: np.ndarray
    distance: np.ndarray
    units: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.entries)

    def take(self, chosen: np.ndarray) -> Candidates:
        """Those of these places, in this order."""
        return Candidates(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


class Families:
    """The entries of an index by anonymous cell formula."""

    def __init__(self, index: Index) -> None:
        self.index = index
        sizes = np.diff(index.role_offsets)
        self._by_counts: dict[Counts, list[int]] = defaultdict(list)
        cuts = np.split(index.counts, index.role_offsets[1:-1])
        for entry, counts in enumerate(cuts):
            self._by_counts[tuple(counts.tolist())].append(entry)
        self._sizes = sizes

    @cached_property
    def kinds(self) -> np.ndarray:
        """The same number for entries of the same prototype and formula. [entries]"""
        return np.unique(self.index.label, return_inverse=True)[1]

    @lru_cache(maxsize=256)  # noqa: B019 - as long-lived as the index
    def get(self, counts: Counts) -> Family | None:
        """The family of a cell formula, None where the index has no entry of it."""
        entries = np.array(self._by_counts.get(counts, ()), dtype=np.int64)
        if not len(entries):
            return None
        rows = self.index.role_offsets[entries][:, None] + np.arange(len(counts))
        kind = self.kinds[entries]
        _, where, number = np.unique(kind, return_inverse=True, return_counts=True)
        return Family(counts, entries, self.index.elements[rows], kind, number[where])

    def multiples(self, counts: Counts) -> list[Counts]:
        """Every cell formula of the index with the same anonymous formula, smallest first."""
        unit = _reduced(counts)
        return sorted((one for one in self._by_counts if _reduced(one) == unit), key=sum)


def candidates_of(
    families: Families, composition: Mapping[int, int], cells: str, distances: np.ndarray
) -> Candidates | None:
    """All candidates for a composition, None where there are none.

    Args:
        composition: atoms of each atomic number in the cell that is asked for.
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
    numbers = np.array(list(composition))
    ways = np.array(orders([composition[z] for z in composition]))
    new = numbers[ways]  # [orders, roles]
    weights = np.array(family.counts) / sum(family.counts)
    cost = (distances[new[None], family.elements[:, None]] * weights).sum(-1)
    entry, way = np.divmod(np.arange(cost.size), len(ways))
    elements, old = new[way], family.elements[entry]
    return Candidates(
        family.entries[entry], elements, old, (elements == old).all(1), cost.reshape(-1),
        np.full(cost.size, units), np.broadcast_to(weights, elements.shape),
    )  # fmt: skip


def _joined(parts: list[Candidates]) -> Candidates:
    return Candidates(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in Candidates.__dataclass_fields__)
    )


def _reduced(counts: Counts) -> Counts:
    divisor = gcd(*counts)
    return tuple(count // divisor for count in counts)
