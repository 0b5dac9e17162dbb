"""One crystal as plain arrays: what judges, potentials and files hand to each other."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from pymatgen.core import Structure

FLAT = 1.0
"""Å between lattice planes, below which a cell is a poor basis for searches in space."""


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

    @property
    def heights(self) -> np.ndarray:
        """Distances of lattice planes, Å. [3]"""
        return plane_distances(self.lattice)

    def compact(self) -> Cell:
        """The same crystal, atoms in their order, on an LLL-reduced lattice where this one is flat (FLAT); else itself.

        A search in space goes through radius / height images in each direction: through millions where the lattice is
        written in long, nearly parallel vectors. For a finite cell with a volume.
        """
        if self.heights.min() >= FLAT:
            return self
        from pymatgen.core import Lattice

        reduced = np.array(Lattice(self.lattice).get_lll_reduced_lattice().matrix)
        return Cell(self.numbers, self.frac @ self.lattice @ np.linalg.inv(reduced), reduced)

    def to_structure(self) -> Structure:
        from pymatgen.core import Lattice, Structure

        return Structure(Lattice(self.lattice), self.numbers.tolist(), self.frac)

    @property
    def formula(self) -> tuple[tuple[int, int], ...]:
        """(atomic number, count) by atomic number, counts divided by their greatest common divisor."""
        numbers, counts = np.unique(self.numbers, return_counts=True)
        divisor = gcd(*counts.tolist())
        return tuple((int(z), int(n) // divisor) for z, n in zip(numbers, counts, strict=True))


def plane_distances(lattice: np.ndarray) -> np.ndarray:
    """Distances of the planes of a lattice [3, 3], Å, zero where there is no volume. [3]"""
    areas = np.linalg.norm(np.cross(lattice[[1, 2, 0]], lattice[[2, 0, 1]]), axis=1)
    return abs(np.linalg.det(lattice)) / np.maximum(areas, 1e-12)
