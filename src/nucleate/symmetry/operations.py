"""Operations of space groups, by moyo: f' = R f + t on columns of fractional coordinates.

Those of a crystal are found in its own cell, in any setting. R are integers there, and translations are closed under
multiplication to 1e-12, since moyo transforms exact ones from the standard setting.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from nucleate.cell import Cell
from nucleate.errors import DataError, FormulaError
from nucleate.symmetry.moyo import analysed, moyo

GROUPS = 230


class Operations(NamedTuple):
    """Operations of a group in a cell, the identity among them.

    Attributes:
        number: of the space group, 1 to 230.
        rotations: integers. [operations, 3, 3]
        translations: in cells. [operations, 3], float64
    """

    number: int
    rotations: np.ndarray
    translations: np.ndarray


def check_number(number: int) -> int:
    """The number itself. Raises FormulaError where there is no such space group."""
    if not 1 <= number <= GROUPS:
        raise FormulaError(f"there is no space group {number}", f"give a number from 1 to {GROUPS}")
    return number


@lru_cache(maxsize=2 * GROUPS)
def operations_of_number(number: int, primitive: bool = True) -> Operations:
    """Operations of a space group in moyo's standard setting, in the primitive or the conventional cell."""
    found = moyo().operations_from_number(check_number(number), primitive=primitive)
    return Operations(
        number, np.array(found.rotations, dtype=np.int64), np.array(found.translations, dtype=float)
    )


def operations_of(cell: Cell, symprec: float) -> Operations:
    """Operations of a crystal in its own cell, found within symprec (Å).

    Raises DataError where none are found, and where the cell is a supercell that can't hold them all, such as two cubes
    stacked.
    """
    found = analysed(cell, symprec)
    rotations = np.array(found.operations.rotations, dtype=np.int64)
    repeats = max(1, round(1 / abs(float(np.linalg.det(found.prim_std_linear)))))
    if len(rotations) != repeats * len(operations_of_number(found.number).rotations):
        raise DataError(
            f"a cell of {repeats} primitive ones holds {len(rotations)} operations of space group {found.number}, "
            "not all of them",
            "give the primitive or the conventional cell",
        )
    return Operations(found.number, rotations, np.array(found.operations.translations, dtype=float))


def niggli_change(lattice: np.ndarray) -> np.ndarray:
    """Integer combinations of a cell's vectors (rows) that are its Niggli cell, as rows. [3, 3]"""
    _, change = moyo().niggli_reduce(lattice.tolist())
    found = np.round(np.array(change).T).astype(np.int64)
    assert abs(round(float(np.linalg.det(found)))) == 1
    return found
