"""The convex hull: the lowest energy that known phases reach at a composition, alone or as a mixture.

At the composition x (atomic fractions) the hull is the least of sum_i w_i e_i over phases i with weights
w_i >= 0 and sum_i w_i x_i = x: a small linear program over the phases of the chemical subsystems of x, solved
exactly by HiGHS (scipy). The energy above it may be negative: a phase below everything that is known.
Against pymatgen's `PhaseDiagram.get_e_above_hull(allow_negative=True)` of an entry that is not in the
diagram it is the same number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from nucleate.elements import MAX_ATOMIC_NUMBER, SYMBOLS
from nucleate.errors import DataError

MAX_ENUMERATED = 10
"""Chemical systems with more elements are found by looking at all of them instead of at all subsets."""


def fractions_of(numbers: np.ndarray) -> np.ndarray:
    """Atomic fractions by atomic number. [MAX_ATOMIC_NUMBER + 1]"""
    counts = np.bincount(np.asarray(numbers, dtype=np.int64), minlength=MAX_ATOMIC_NUMBER + 1)
    return counts / counts.sum()


def elements_of(fractions: np.ndarray) -> tuple[int, ...]:
    """Atomic numbers that are there, ascending."""
    return tuple(int(z) for z in np.flatnonzero(fractions))


def system_name(elements: Iterable[int]) -> str:
    """ "Cl-Na": symbols in alphabetic order."""
    return "-".join(sorted(SYMBOLS[z] for z in elements))


class Phases:
    """Compositions of known phases, found by chemical system. Energies come from elsewhere, by index.

    Attributes:
        fractions: atomic fractions of each phase by atomic number. [phases, MAX_ATOMIC_NUMBER + 1]
    """

    def __init__(self, fractions: np.ndarray) -> None:
        self.fractions = fractions
        systems: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
        for index, row in enumerate(fractions):
            systems[elements_of(row)].append(index)
        self._systems = dict(systems)

    def __len__(self) -> int:
        return len(self.fractions)

    def within(self, elements: Sequence[int]) -> list[int]:
        """Indices of all phases made of these elements or some of them, ascending."""
        if len(elements) <= MAX_ENUMERATED:
            ordered = sorted(elements)
            keys = (key for size in range(1, len(ordered) + 1) for key in combinations(ordered, size))
        else:
            keys = (key for key in self._systems if set(key) <= set(elements))
        return sorted(index for key in keys for index in self._systems.get(key, ()))

    def missing_terminals(self, elements: Sequence[int]) -> tuple[int, ...]:
        """The elements without a pure phase."""
        return tuple(z for z in elements if (z,) not in self._systems)


@dataclass(frozen=True)
class Decomposition:
    """The hull at one composition.

    Attributes:
        energy: of the hull, eV/atom.
        phases: index and share of the atoms of each phase of the mixture.
    """

    energy: float
    phases: tuple[tuple[int, float], ...]


def hull_at(target: np.ndarray, fractions: np.ndarray, energies: np.ndarray) -> Decomposition | None:
    """The hull of phases at a composition, None where no mixture of them has it.

    Args:
        target: atomic fractions. [elements]
        fractions: of the phases, the same elements. [phases, elements]
        energies: eV/atom. [phases]

    Raises DataError for energies that are not finite.
    """
    from scipy.optimize import linprog

    if not np.isfinite(energies).all():
        raise DataError(
            f"{int((~np.isfinite(energies)).sum())} of {len(energies)} phases have no energy",
            "leave out the phases whose energy is unknown",
        )
    present = np.flatnonzero(target)
    if not len(energies):
        return None
    solved = linprog(energies, A_eq=fractions[:, present].T, b_eq=target[present], method="highs")
    if solved.status != 0:
        return None
    used = np.flatnonzero(solved.x > 1e-9)
    return Decomposition(float(solved.fun), tuple((int(i), float(solved.x[i])) for i in used))
