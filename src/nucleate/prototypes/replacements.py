"""Which element takes another's place in one structure, as the crystals of an index show it.

Two crystals whose compositions differ in one element are a pair; a pair keeps the structure where both are of one
prototype. Of a pair of elements (old, new)

    kept(old, new) = (pairs that keep it + PRIOR * COMMON) / (pairs + PRIOR)

and an element is replaced by another with a probability proportional to (pairs that keep it) * kept(old, new), where
kept is at least LEAST_KEPT. Several structures of one composition are one crystal here, of all their prototypes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.prototypes.index import Index

PRIOR, COMMON = 0.5, 0.1
"""Pairs that are added to those seen, and the share of them that keeps the structure."""
LEAST_KEPT = 0.5

Rest = tuple[tuple[tuple[int, int], ...], int]
"""The other elements of a reduced formula with their numbers, and the number of the one that is exchanged."""


@dataclass(frozen=True, eq=False)
class Replacements:
    """What is known of replacing one element by another, by atomic numbers.

    Attributes:
        kept: share of pairs that keep the structure. [old, new]
        chance: probability of the new element where an old one is replaced; rows without any pair are zero. [old, new]
    """

    kept: np.ndarray
    chance: np.ndarray

    @classmethod
    def of_index(cls, index: Index) -> Replacements:
        """From the crystals of an index."""
        pairs, same = counted(index)
        kept = (same + PRIOR * COMMON) / (pairs + PRIOR)
        weight = same * kept * (kept >= LEAST_KEPT)
        return cls(kept, weight / np.maximum(weight.sum(1, keepdims=True), 1e-12))

    @property
    def expected(self) -> np.ndarray:
        """The share of structures that a drawn replacement of an element keeps. [old]"""
        return (self.chance * self.kept).sum(1)


def counted(index: Index) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of compositions that differ in one element, and those of them that keep the structure. [old, new]"""
    pairs = np.zeros((MAX_ATOMIC_NUMBER + 1, MAX_ATOMIC_NUMBER + 1))
    same = np.zeros_like(pairs)
    for prototypes in _alike_but_one(index):
        for old, new in permutations(prototypes, 2):
            pairs[old, new] += 1
            same[old, new] += bool(prototypes[old] & prototypes[new])
    return pairs, same


def _alike_but_one(index: Index) -> Iterator[dict[int, set[str]]]:
    """For each rest of a formula, the elements that complete it with the prototypes of each."""
    found: dict[Rest, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for entry in range(len(index)):
        roles = index.roles(entry)
        elements, counts = index.elements[roles].tolist(), index.counts[roles]
        numbers = dict(zip(elements, (counts // np.gcd.reduce(counts)).tolist(), strict=True))
        for own, number in numbers.items():
            rest = tuple(sorted(pair for pair in numbers.items() if pair[0] != own))
            found[rest, number][own].add(str(index.label[entry]))
    yield from found.values()
