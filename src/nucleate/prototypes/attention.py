"""How much a composition resembles each known crystal: attention over the candidates, with learned element vectors.

    logit(candidate) = - sum over roles of w_r |v(new element) - v(old element)|  -  slope * energy above the hull

with w_r the share of the role's atoms, to a learned power. A softmax over all candidates gives their shares; those of
one group (the same prototype with the elements in equivalent roles) add up, so that equivalent candidates vote
together. Crystals of the formula itself take no part: they are other polymorphs, or the answer itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nucleate.prototypes.candidates import Candidates

UNKNOWN_ENERGY = 0.03
"""Assumed energy above the hull where it is not known, eV/atom."""
MOST_ENERGY = 0.3
"""Energy above the hull beyond which it makes no difference, eV/atom."""


@dataclass(frozen=True, eq=False)
class Attention:
    """Learned resemblance of elements.

    Attributes:
        vectors: by atomic number. [MAX_ATOMIC_NUMBER + 1, numbers]
        power: of a role's share of the atoms.
        slope: of the logit with the energy above the hull, 1 / (eV/atom).
    """

    vectors: np.ndarray
    power: float
    slope: float

    @property
    def distances(self) -> np.ndarray:
        """Distance of every two atomic numbers. [MAX_ATOMIC_NUMBER + 1, MAX_ATOMIC_NUMBER + 1]"""
        gap = self.vectors[:, None] - self.vectors
        return np.sqrt((gap**2).sum(-1) + 1e-6) - 1e-3

    def logits(self, found: Candidates, energy: np.ndarray) -> np.ndarray:
        """Logit of each candidate, given the energy of its entry above the hull, NaN where unknown. [candidates]"""
        weights = found.weights**self.power
        weights = weights / weights.sum(1, keepdims=True)
        apart = (self.distances[found.elements, found.old] * weights).sum(1)
        return -apart - self.slope * bounded(energy)


def bounded(energy: np.ndarray) -> np.ndarray:
    """Energies above the hull as the logits use them."""
    return np.clip(np.nan_to_num(energy, nan=UNKNOWN_ENERGY), 0, MOST_ENERGY)
