"""What every family asks of a generated cell first: can it be judged at all, what is its density, which is it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

import numpy as np

from nucleate.cell import Cell
from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.metrics.validity import MIN_VOLUME, density, too_flat
from nucleate.streams import SUBSET

UNUSABLE = ("unreadable", "no_atoms", "unknown_element", "not_finite", "volume_too_small", "too_flat")

LOOSEST = 5.0
"""The largest tolerance of a space group, Å: atoms are nearer than that."""


class Quantities(NamedTuple):
    """Density in g/cm^3, volume for each atom in Å^3, number of atoms, number of different elements."""

    density: float
    volume_per_atom: float
    n_atoms: int
    n_elements: int


def defect(cell: Cell | None) -> str:
    """Why nothing can be computed of a sample, one of UNUSABLE, or "" where something can."""
    if cell is None:
        return "unreadable"
    if not len(cell.species):
        return "no_atoms"
    if cell.species.min() < 1 or cell.species.max() > MAX_ATOMIC_NUMBER:
        return "unknown_element"
    if not (np.isfinite(cell.lattice).all() and np.isfinite(cell.frac).all()):
        return "not_finite"
    if abs(np.linalg.det(cell.lattice)) < MIN_VOLUME:
        return "volume_too_small"
    return "too_flat" if too_flat(cell) else ""


def quantities(cell: Cell) -> Quantities:
    """Of a cell without a defect."""
    n = len(cell.species)
    volume = abs(float(np.linalg.det(cell.lattice)))
    return Quantities(density(cell), volume / n, n, len(np.unique(cell.species)))


def digest(cell: Cell) -> str:
    """Name of a cell by its exact content."""
    content = hashlib.sha256(np.asarray(cell.species, dtype="<i8").tobytes())
    for array in (cell.frac, cell.lattice):
        # + 0.0 takes the sign off zeros
        content.update((np.asarray(array, dtype="<f8") + 0.0).tobytes())
    return content.hexdigest()


def drawn(cells: Sequence[Cell], limit: int | None, seed: int) -> list[int]:
    """Indices of `limit` random cells, ascending; all of them for None.

    Which crystals are drawn depends on the seed and the set of crystals, not on their order.
    """
    if limit is None or limit >= len(cells):
        return list(range(len(cells)))
    order = sorted(range(len(cells)), key=lambda i: digest(cells[i]))
    return sorted(order[i] for i in SUBSET.generator(seed).permutation(len(cells))[:limit])


def versions(*packages: str) -> dict[str, str]:
    """Installed versions, "not installed" where there is none."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
