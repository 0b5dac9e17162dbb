"""A crystal with other elements in its roles: same fractional coordinates, the volume that the new elements need."""

from __future__ import annotations

from collections import Counter

import numpy as np

from nucleate.cell import Cell
from nucleate.prototypes.volumes import Volumes


def substituted(cell: Cell, old: np.ndarray, new: np.ndarray, volumes: Volumes) -> Cell:
    """The cell with new[role] where old[role] was. old, new: atomic numbers. [roles]"""
    species = np.zeros_like(cell.species)
    for one, other in zip(old, new, strict=True):
        species[cell.species == one] = other
    return rescaled(Cell(species, cell.frac, cell.lattice), cell.species, volumes)


def rescaled(cell: Cell, old: np.ndarray, volumes: Volumes) -> Cell:
    """The cell rescaled from the volume of the old elements to that of its own. old: atomic numbers. [atoms]"""
    ratio = volumes.of(Counter(cell.species.tolist())) / volumes.of(Counter(old.tolist()))
    return Cell(cell.species, cell.frac, cell.lattice * ratio ** (1 / 3))


def repeated(cell: Cell, times: int) -> Cell:
    """A supercell of so many cells, stacked along the shortest vector each time."""
    for factor in _prime_factors(times):
        axis = int(np.linalg.norm(cell.lattice, axis=1).argmin())
        lattice, step = cell.lattice.copy(), np.eye(3)[axis] / factor
        lattice[axis] *= factor
        frac = cell.frac.copy()
        frac[:, axis] /= factor
        cell = Cell(
            np.tile(cell.species, factor), np.concatenate([frac + k * step for k in range(factor)]), lattice
        )
    return cell


def _prime_factors(number: int) -> list[int]:
    found, divisor = [], 2
    while number > 1:
        while number % divisor == 0:
            found.append(divisor)
            number //= divisor
        divisor += 1
    return found[::-1]
