"""Cells as plain arrays, and their reduction to the primitive Niggli cell, done once for each structure.

The result is the one that pymatgen's `StructureMatcher` works on (Niggli cell, then the primitive cell within
0.25 Å). Its Niggli reduction is used as it is; the search for a smaller cell is skipped where it can't
succeed.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import numpy as np

from nucleate.cell import Cell
from nucleate.elements import SYMBOLS

PRIMITIVE_TOLERANCE = 0.25
"""Å; what `Structure.get_primitive_structure` takes two sites to be the same within."""


@dataclass(frozen=True)
class Reduced:
    """A primitive Niggli cell, ready to be matched.

    Attributes:
        species, frac, lattice: as in `Cell`.
        composition: sorted atomic numbers as bytes: equal for equal compositions.
        volume: Å^3.
        minima: lower bounds of the successive minima of the lattice, ascending (zeros where unknown), Å. [3]
    """

    species: np.ndarray
    frac: np.ndarray
    lattice: np.ndarray
    composition: bytes
    volume: float
    minima: np.ndarray


def reduce_cell(cell: Cell) -> Reduced:
    """The primitive Niggli cell of `cell`. Raises ValueError or LinAlgError where the cell is degenerate."""
    from pymatgen.core import Lattice, Structure

    if not cell.finite:
        raise ValueError("coordinates or lattice are not finite")
    lattice, species, frac = Lattice(cell.lattice), cell.species, cell.frac
    niggli = lattice.get_niggli_reduced_lattice()
    if niggli != lattice:
        frac = niggli.get_fractional_coords(lattice.get_cartesian_coords(frac)) % 1
        lattice = niggli
    if _may_hold_smaller_cell(species, frac, lattice.lengths):
        structure = Structure(lattice, species.tolist(), frac).get_primitive_structure(PRIMITIVE_TOLERANCE)
        species, frac, lattice = Cell.of(structure)
    else:
        lattice = np.array(lattice.matrix)
    volume = float(abs(np.linalg.det(lattice)))
    composition = np.sort(species).astype(np.int16).tobytes()
    return Reduced(species, np.array(frac, dtype=float), lattice, composition, volume, _minima(lattice))


def _may_hold_smaller_cell(atoms: np.ndarray, frac: np.ndarray, lengths: tuple[float, ...]) -> bool:
    """False only where no smaller cell can pass pymatgen's tests.

    A smaller cell with `f` times fewer atoms needs lattice vectors with a component of at least 1 / f in this
    cell, each within the tolerance of a vector that carries every atom near an atom of its kind.
    """
    species, counts = np.unique(atoms, return_counts=True)
    units = gcd(*counts.tolist())
    if units == 1:
        return False
    tolerance = PRIMITIVE_TOLERANCE / np.asarray(lengths)
    if 1 / units <= tolerance.max() * (1 + 1e-9):
        return True
    smallest = min(zip(counts.tolist(), (SYMBOLS[z] for z in species), species, strict=True))[2]
    sites = frac[atoms == smallest]
    shifts = sites[1:] - sites[0]
    for z in species[np.argsort(counts, kind="stable")]:
        group = frac[atoms == z]
        pairs = group[None, :, :] - group[:, None, :]
        miss = pairs[None] - shifts[:, None, None, :]
        near = np.abs(miss - np.round(miss)) <= 2 * tolerance * (1 + 1e-9)
        shifts = shifts[near.all(-1).any(2).all(1)]
        if not len(shifts):
            return False
    return True


def _minima(lattice: np.ndarray) -> np.ndarray:
    """Successive minima, which are the lengths of a Minkowski-reduced cell; zeros where it is not reduced."""
    order = np.argsort((lattice**2).sum(1))
    a, b, c = lattice[order]
    slack = 1.002
    pairs = ((a, b), (a, c), (b, c))
    reduced = all(2 * abs(x @ y) <= slack * (x @ x) for x, y in pairs)
    diagonals = (a + b + c, a + b - c, a - b + c, a - b - c)
    if reduced and all(slack * (d @ d) >= c @ c for d in diagonals):
        return 0.99 * np.sqrt([a @ a, b @ b, c @ c])
    return np.zeros(3)
