"""Some of the atoms of an element, chosen up to symmetry: choices that an operation turns into one another are one."""

from __future__ import annotations

import numpy as np

from nucleate.cell import Cell
from nucleate.prototypes.exact import operations


def images_of(cell: Cell, number: int) -> np.ndarray:
    """images[g, i] is the atom that operation g of the space group carries atom i onto. [operations, atoms]

    cell: standardised and exactly symmetric, as `Index.cell` gives it.
    """
    rotations, translations = operations(number)
    gap = (np.einsum("gij,nj->gni", rotations, cell.frac) + translations[:, None])[:, :, None] - cell.frac
    gap -= np.rint(gap)
    other = cell.species[:, None] != cell.species
    return np.where(other, np.inf, (gap**2).sum(-1)).argmin(2)


def first_of_its_kind(chosen: np.ndarray, images: np.ndarray) -> tuple[int, ...]:
    """The least of all choices that the operations make of one: the same for equivalent choices.

    chosen: numbers of atoms. images: as `images_of` gives them.
    """
    return min(tuple(row) for row in np.sort(images[:, chosen], 1).tolist())
