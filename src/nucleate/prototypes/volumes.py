"""Volumes of crystals from their compositions, and of substituted ones: V = V_old * predicted(new) / predicted(old).

    V / atoms = sum over elements of share * (a + b * mean + c * spread)

where mean and spread are those of the electronegativity over the atoms: an anion among metals is larger than among
anions, a metal in an oxide smaller than in an alloy. Fitted to small deviations |V/V_true - 1| (iteratively reweighted
least squares), with a ridge penalty towards the median volume.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.prototypes.chemistry import element_vectors
from nucleate.prototypes.index import Index

PENALTY = 1.0
"""Weight of a coefficient's deviation from its prior by the median volume, in crystals."""
ROUNDS = 4
SMALL = 0.02
"""Relative deviations below this count alike."""
LEAST = 1.0
"""Smallest volume of an atom, Å^3."""
ELECTRONEGATIVITY = 3
"""Column of the electronegativity in `element_vectors`."""


@dataclass(frozen=True, eq=False)
class Volumes:
    """Volumes of elements.

    Attributes:
        each: a above, the volume at the mean electronegativity of all elements, Å^3. [MAX_ATOMIC_NUMBER + 1]
        surroundings: b and c above, Å^3. [2, MAX_ATOMIC_NUMBER + 1]
    """

    each: np.ndarray
    surroundings: np.ndarray

    @classmethod
    def fit(cls, shares: np.ndarray, per_atom: np.ndarray) -> Volumes:
        """From crystals.

        Args:
            shares: of each element among the atoms. [crystals, MAX_ATOMIC_NUMBER + 1]
            per_atom: volume for each atom, Å^3. [crystals]
        """
        from scipy.sparse import csr_matrix, diags, hstack

        sparse = csr_matrix(shares)
        mean, spread = _surroundings(shares)
        inputs = hstack([sparse, diags(mean) @ sparse, diags(spread) @ sparse]).tocsr()
        elements = shares.shape[1]
        middle = float(np.median(per_atom))
        prior = np.concatenate([np.full(elements, middle), np.zeros(2 * elements)])
        found, weight = prior, 1 / per_atom
        for _ in range(ROUNDS):
            weighted = diags(weight) @ inputs
            square = csr_matrix(weighted.T @ weighted).toarray()
            normal = square + PENALTY / middle**2 * np.eye(len(prior))
            found = prior + np.linalg.solve(normal, weighted.T @ ((per_atom - inputs @ prior) * weight))
            apart = np.abs(inputs @ found / per_atom - 1)
            weight = 1 / per_atom / np.sqrt(np.maximum(apart, SMALL))
        each, *surroundings = found.reshape(3, elements)
        return cls(np.maximum(each, LEAST), np.array(surroundings))

    @classmethod
    def of_index(cls, index: Index) -> Volumes:
        """From the crystals of an index."""
        shares = shares_of(index.elements, index.counts, index.role_offsets)
        return cls.fit(shares, index.volume / index.sizes)

    def of(self, counts: Mapping[int, int]) -> float:
        """Volume of a cell with these counts of each atomic number, Å^3."""
        shares = np.zeros((1, len(self.each)))
        for number, count in counts.items():
            shares[0, number] += count
        atoms = shares.sum()
        return atoms * float(self.per_atom(shares / atoms)[0])

    def per_atom(self, shares: np.ndarray) -> np.ndarray:
        """Volume for each atom of crystals with these shares of the elements, Å^3. [crystals]"""
        mean, spread = _surroundings(shares)
        b, c = self.surroundings
        return np.maximum(shares @ self.each + mean * (shares @ b) + spread * (shares @ c), LEAST)


def _surroundings(shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and spread of the electronegativity over the atoms. [crystals], [crystals]"""
    pull = element_vectors()[:, ELECTRONEGATIVITY]
    mean = shares @ pull
    return mean, np.sqrt(np.maximum(shares @ pull**2 - mean**2, 0))


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
