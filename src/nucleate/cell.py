"""One crystal as plain arrays, exchanged by data, judges and potentials; to and from pymatgen and ASE."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nucleate.errors import StructureError
from nucleate.notebooks import html_of

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core import Structure

FLAT = 1.0
"""Å between lattice planes, below which a cell is a poor basis for searches in space."""


class Cell(NamedTuple):
    """One crystal as arrays.

    Attributes:
        species: atomic numbers. [atoms], int64
        frac: fractional coordinates, any range. [atoms, 3], float64
        lattice: rows are the cell vectors, Å. [3, 3], float64
    """

    species: np.ndarray
    frac: np.ndarray
    lattice: np.ndarray

    def _repr_html_(self) -> str:
        return html_of(self)

    @classmethod
    def of(cls, structure: Structure) -> Cell:
        """From a pymatgen structure; dummy species get numbers outside the periodic table.

        Raises StructureError on partial occupancy.
        """
        if not structure.is_ordered:
            raise StructureError("partial occupancy")
        try:
            species = np.array(structure.atomic_numbers, dtype=np.int64)
        except (AttributeError, TypeError, ValueError):
            raise StructureError("unknown element") from None
        return cls(species, np.array(structure.frac_coords, dtype=float), np.array(structure.lattice.matrix))

    @classmethod
    def of_atoms(cls, atoms: Atoms) -> Cell:
        """From ASE atoms. Raises StructureError without a three-dimensional cell."""
        if atoms.cell.rank < 3:
            raise StructureError("no three-dimensional cell")
        try:
            frac = atoms.get_scaled_positions(wrap=False)
        except np.linalg.LinAlgError:
            raise StructureError("no three-dimensional cell: its vectors lie in one plane") from None
        return cls(np.array(atoms.numbers, dtype=np.int64), frac, np.array(atoms.cell.array, dtype=float))

    def to_structure(self) -> Structure:
        """As a pymatgen structure, atoms in the same order."""
        from pymatgen.core import Lattice, Structure

        return Structure(Lattice(self.lattice), self.species.tolist(), self.frac)

    def to_atoms(self) -> Atoms:
        """As periodic ASE atoms, in the same order."""
        from ase import Atoms

        return Atoms(self.species, scaled_positions=self.frac, cell=self.lattice, pbc=True)

    @property
    def finite(self) -> bool:
        """Whether all coordinates and vectors are numbers."""
        return bool(np.isfinite(self.lattice).all() and np.isfinite(self.frac).all())

    @property
    def volume(self) -> float:
        """Volume in Å^3 for a right- or left-handed basis; infinite if it overflows."""
        with np.errstate(over="ignore", invalid="ignore"):
            return abs(float(np.linalg.det(self.lattice)))

    @property
    def heights(self) -> np.ndarray:
        """Distances of lattice planes, Å. [3]"""
        return plane_distances(self.lattice)

    def compact(self) -> Cell:
        """The same crystal and order of atoms, on an LLL-reduced lattice if this one is flat (FLAT).

        A search in space visits radius / height images in each direction: millions if the cell vectors are long and
        nearly parallel. For a finite cell with a volume.
        """
        if self.heights.min() >= FLAT:
            return self
        from pymatgen.core import Lattice

        reduced = np.array(Lattice(self.lattice).get_lll_reduced_lattice().matrix)
        return Cell(self.species, self.frac @ self.lattice @ np.linalg.inv(reduced), reduced)

    @property
    def formula(self) -> tuple[tuple[int, int], ...]:
        """(atomic number, count) by atomic number, counts divided by their greatest common divisor."""
        species, counts = np.unique(self.species, return_counts=True)
        divisor = gcd(*counts.tolist())
        return tuple((int(z), int(n) // divisor) for z, n in zip(species, counts, strict=True))


def plane_distances(lattice: np.ndarray) -> np.ndarray:
    """Distances of the planes of a lattice [3, 3], Å, zero where there is no volume. [3]"""
    areas = np.linalg.norm(np.cross(lattice[[1, 2, 0]], lattice[[2, 0, 1]]), axis=1)
    return abs(np.linalg.det(lattice)) / np.maximum(areas, 1e-12)
