"""A cell that has its space group to within rounding, made to have it exactly: the mean over all operations.

f_j = mean over g of (R_g f_i + t_g), each image taken where it is nearest to the atom it falls on; the metric G = L L^T
becomes the mean of R^T G R and the vectors are turned back as near as can be to the old ones.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from nucleate.cell import Cell


def exactly(cell: Cell, number: int) -> Cell:
    """The cell with the symmetry of its space group in moyo's default setting, exact to double precision."""
    rotations, translations = operations(number)
    gap = (np.einsum("gij,nj->gni", rotations, cell.frac) + translations[:, None])[:, :, None] - cell.frac
    gap -= np.rint(gap)
    other = cell.species[:, None] != cell.species
    nearest = np.where(other, np.inf, (gap**2).sum(-1)).argmin(2)
    total = np.zeros_like(cell.frac)
    atoms = np.arange(len(cell.species))
    for image, shifts in zip(nearest, gap, strict=True):
        np.add.at(total, image, shifts[atoms, image])
    metric = np.einsum("gji,jk,gkl->il", rotations, cell.lattice @ cell.lattice.T, rotations) / len(rotations)
    factor = np.linalg.cholesky(metric)
    left, _, right = np.linalg.svd(factor.T @ cell.lattice)
    return Cell(cell.species, cell.frac + total / len(rotations), factor @ left @ right)


@lru_cache(maxsize=230)
def operations(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Rotations [operations, 3, 3] and translations [operations, 3] on columns, in the primitive cell."""
    import moyopy

    found = moyopy.operations_from_number(number, primitive=True)
    return np.array(found.rotations, dtype=float), np.array(found.translations, dtype=float)
