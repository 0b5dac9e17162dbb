"""The form of a written cell: as it is, symmetrised, or one of the two standard settings of its space group.

Symmetry is spglib's (Togo, Shinohara & Tanaka, Sci. Technol. Adv. Mater. Meth. 4, 2384822, 2024), which comes with
pymatgen. A crystal that was drawn has the symmetry of its prototype to 0.1 Å or so; the space group found within
`symprec` is made exact. The standard cells are those of the International Tables: the conventional one, and the
primitive one in the centring that spglib documents; both may turn the crystal and change the order of its atoms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nucleate.cell import Cell
from nucleate.errors import DataError, StructureError

if TYPE_CHECKING:
    from pymatgen.core import Structure

AS_IS, SYMMETRISED, PRIMITIVE, CONVENTIONAL = FORMS = ("as-is", "symmetrised", "primitive", "conventional")
SYMPREC = 0.1
"""Å; the tolerance at which tables and reports name space groups."""


@dataclass(frozen=True)
class CellForm:
    """How a cell is written.

    Attributes:
        name: one of FORMS.
        symprec: tolerance of the space group for positions, Å.
    """

    name: str = AS_IS
    symprec: float = SYMPREC

    def __post_init__(self) -> None:
        if self.name not in FORMS:
            raise DataError(f"no form of a cell is called {self.name!r}", f"choose among {', '.join(FORMS)}")
        if not 0 < self.symprec < np.inf:
            raise DataError(
                f"the tolerance of the symmetry must be above 0 Å; got {self.symprec}", "0.1 Å is usual"
            )

    def of(self, cell: Cell) -> Cell:
        """The crystal in this form. Raises StructureError where no space group can be found."""
        if self.name == AS_IS:
            return cell
        if self.name == SYMMETRISED:
            return symmetrised(cell, self.symprec)
        return standard(cell, self.symprec, primitive=self.name == PRIMITIVE)

    def written(self, cell: Cell) -> tuple[Cell, str]:
        """The crystal in this form and "", or as it is and why."""
        try:
            return self.of(cell), ""
        except StructureError as error:
            return cell, f"written as it is: {error.message}"

    def copy(self, structure: Structure, origin: str) -> tuple[Structure, str]:
        """A structure for a file in this form, and its line of origin, which says what was done to it."""
        if self.name == AS_IS:
            return structure, origin
        cell, problem = self.written(Cell.of(structure))
        return cell.to_structure(), f"{origin}; {problem or f'{self.name} cell within {self.symprec:g} Å'}"


def standard(cell: Cell, symprec: float, primitive: bool = False) -> Cell:
    """The conventional or primitive standard cell, with the space group made exact."""
    import spglib

    found = _ask(spglib.standardize_cell, cell, symprec, to_primitive=primitive, no_idealize=False)
    lattice, frac, numbers = found
    return Cell(np.asarray(numbers), np.asarray(frac), np.asarray(lattice))


def symmetrised(cell: Cell, symprec: float) -> Cell:
    """The same cell and the same atoms in their order, moved to the mean over all operations of the space group.

    The metric tensor G becomes the mean of W^T G W, turned back as near as can be to the old vectors; an atom becomes
    the mean of the images that fall on it.
    """
    import spglib

    hand = _hand(cell)
    cell = Cell(cell.species, hand * cell.frac, hand * cell.lattice)
    dataset = _ask(spglib.get_symmetry_dataset, cell, symprec)
    rotations, shifts = np.asarray(dataset.rotations, dtype=float), np.asarray(dataset.translations)
    metric = cell.lattice @ cell.lattice.T
    factor = np.linalg.cholesky((rotations.transpose(0, 2, 1) @ metric @ rotations).mean(0))
    left, _, right = np.linalg.svd(factor.T @ cell.lattice)
    lattice = factor @ left @ right
    other = cell.species[:, None] != cell.species
    total = np.zeros_like(cell.frac)
    for rotation, shift in zip(rotations, shifts, strict=True):
        gap = (cell.frac @ rotation.T + shift)[:, None] - cell.frac
        gap -= np.rint(gap)
        nearest = np.where(other, np.inf, np.linalg.norm(gap @ lattice, axis=2)).argmin(1)
        if len(set(nearest.tolist())) < len(nearest):
            raise _no_group(symprec)
        total[nearest] += cell.frac[nearest] + gap[np.arange(len(nearest)), nearest]
    return Cell(cell.species, hand * total / len(rotations), hand * lattice)


def space_group(cell: Cell, symprec: float = SYMPREC) -> str:
    """Hermann-Mauguin symbol, "-" where none can be found."""
    try:
        return number_and_symbol(cell, symprec)[1]
    except StructureError:
        return "-"


def number_and_symbol(cell: Cell, symprec: float = SYMPREC) -> tuple[int, str]:
    """Of the space group: from 1 to 230, and Hermann-Mauguin. Raises StructureError where none can be found."""
    import spglib

    dataset = _ask(spglib.get_symmetry_dataset, cell, symprec)
    return int(dataset.number), dataset.international


def _ask(question: Any, cell: Cell, symprec: float, **options: Any) -> Any:
    """spglib's data set for a crystal, in a right-handed basis."""
    import spglib

    hand = _hand(cell)
    given = ((hand * cell.lattice).tolist(), (hand * cell.frac).tolist(), cell.species.tolist())
    try:
        found = question(given, symprec=symprec, **options)
    except spglib.SpglibError:
        found = None
    if found is None:
        raise _no_group(symprec)
    return found


def _hand(cell: Cell) -> float:
    """-1 for a left-handed basis: inverted together with the coordinates, it describes the same crystal."""
    if not cell.finite:
        raise StructureError("coordinates or cell vectors are not finite", "leave this crystal out")
    return -1.0 if np.linalg.det(cell.lattice) < 0 else 1.0


def _no_group(symprec: float) -> StructureError:
    return StructureError(f"no space group can be found within {symprec:g} Å", "try a smaller --symprec")
