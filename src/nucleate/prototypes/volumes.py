"""Volumes of substituted crystals: V = V_old * (sum of the new elements' volumes) / (sum of the old ones').

Elemental volumes are fitted by ridge regression of a crystal's volume for each atom on its composition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.prototypes.index import Index

PENALTY = 0.3
"""Of a deviation from the median volume, in crystals of one element."""
LEAST = 1.0
"""Å^3; no element takes less."""


@dataclass(frozen=True, eq=False)
class Volumes:
    """Volumes of elements.

    Attributes:
        each: Å^3 by atomic number. [MAX_ATOMIC_NUMBER + 1]
    """

    each: np.ndarray

    @classmethod
    def fit(cls, shares: np.ndarray, per_atom: np.ndarray) -> Volumes:
        """From crystals.

        Args:
            shares: of each element among the atoms. [crystals, MAX_ATOMIC_NUMBER + 1]
            per_atom: volume for each atom, Å^3. [crystals]
        """
        prior = float(np.median(per_atom))
        normal = shares.T @ shares + PENALTY * np.eye(shares.shape[1])
        each = prior + np.linalg.solve(normal, shares.T @ (per_atom - prior))
        return cls(np.maximum(each, LEAST))

    @classmethod
    def of_index(cls, index: Index) -> Volumes:
        """From the crystals of an index."""
        shares = shares_of(index.elements, index.counts, index.role_offsets)
        return cls.fit(shares, index.volume / index.sizes)

    def of(self, counts: Mapping[int, int]) -> float:
        """Volume of a cell with so many atoms of each atomic number, Å^3."""
        return float(sum(self.each[z] * n for z, n in counts.items()))


def shares_of(elements: np.ndarray, counts: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The share of each element among the atoms of every crystal. [crystals, MAX_ATOMIC_NUMBER + 1]

    Args:
        elements, counts: atomic numbers and how many atoms, one crystal after another. [elements of all]
        offsets: where each crystal begins. [crystals + 1]
    """
    crystals = len(offsets) - 1
    rows = np.repeat(np.arange(crystals), np.diff(offsets))
    shares = np.zeros((crystals, MAX_ATOMIC_NUMBER + 1))
    np.add.at(shares, (rows, elements), counts)
    return shares / shares.sum(1, keepdims=True)
