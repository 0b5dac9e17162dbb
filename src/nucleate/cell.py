"""One crystal as plain arrays: what judges, potentials and files hand to each other."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from pymatgen.core import Structure


class Cell(NamedTuple):
    """One crystal as arrays.

    Attributes:
        numbers: atomic numbers. [atoms]
        frac: fractional coordinates, any range. [atoms, 3]
        lattice: rows are the cell vectors, Å. [3, 3]
    """

    numbers: np.ndarray
    frac: np.ndarray
    lattice: np.ndarray

    @classmethod
    def of(cls, structure: Structure) -> Cell:
        """From an ordered pymatgen structure."""
        numbers = np.array(structure.atomic_numbers)
        return cls(numbers, np.array(structure.frac_coords), np.array(structure.lattice.matrix))

    def to_structure(self) -> Structure:
        from pymatgen.core import Lattice, Structure

        return Structure(Lattice(self.lattice), self.numbers.tolist(), self.frac)

    @property
    def formula(self) -> tuple[tuple[int, int], ...]:
        """(atomic number, count) by atomic number, counts divided by their greatest common divisor."""
        numbers, counts = np.unique(self.numbers, return_counts=True)
        divisor = gcd(*counts.tolist())
        return tuple((int(z), int(n) // divisor) for z, n in zip(numbers, counts, strict=True))
