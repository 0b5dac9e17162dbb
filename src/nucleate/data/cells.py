"""One cell as numpy arrays: standard orientation, primitive and Niggli-reduced cell, closest distance.

The Niggli cell is unique (Krivy & Gruber 1976, Grosse-Kunstleve et al. 2004; the code is spglib's), so the
same crystal always has the same lengths and angles. Basis changes are exact integer matrices.
"""

from __future__ import annotations

from functools import reduce
from itertools import product
from math import gcd, sqrt

import numpy as np

from nucleate.cell import Cell
from nucleate.errors import StructureError

IMAGES = np.array(list(product((-1, 0, 1), repeat=3)), dtype=float)
PAIR_BLOCK = 20_000


def wrap(frac: np.ndarray) -> np.ndarray:
    """Into [0, 1): the remainder of a tiny negative number rounds to 1 and is brought to 0."""
    frac = np.mod(frac, 1.0)
    return np.where(frac == 1.0, 0.0, frac)


def lengths_and_angles(lattice: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lengths in Å and angles alpha, beta, gamma in degrees. [..., 3, 3] -> [..., 3], [..., 3]"""
    lengths = np.linalg.norm(lattice, axis=-1)
    unit = lattice / lengths[..., None]
    cosines = np.stack([(unit[..., i, :] * unit[..., j, :]).sum(-1) for i, j in ((1, 2), (0, 2), (0, 1))], -1)
    return lengths, np.degrees(np.arccos(np.clip(cosines, -1, 1)))


def standard_lattice(lengths: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Right-handed lattice with c along z and a in the xz plane (pymatgen's convention). Å, degrees -> [3, 3]

    Raises StructureError when no cell has these lengths and angles.
    """
    if not (np.isfinite(lengths).all() and np.isfinite(angles).all() and (lengths > 0).all()):
        raise StructureError(
            f"cell lengths {list(lengths)} and angles {list(angles)} are not all positive and finite"
        )
    # Python's floats: the same numbers as numpy's scalars, in a third of the time.
    radians = np.radians(angles)
    (a, b, c), (ca, cb, cg) = lengths.tolist(), np.cos(radians).tolist()
    sa, sb = np.sin(radians[:2]).tolist()
    volume_squared = 1 - ca**2 - cb**2 - cg**2 + 2 * ca * cb * cg
    if volume_squared <= 1e-12 or not ((angles > 0) & (angles < 180)).all():
        raise StructureError(f"no cell has the angles {', '.join(f'{x:g}' for x in angles)} degrees")
    cos_star = (ca * cb - cg) / (sa * sb)
    return np.array([
        [a * sb, 0.0, a * cb],
        [-b * sa * cos_star, b * sqrt(volume_squared) / sb, b * ca],
        [0.0, 0.0, c],
    ])  # fmt: skip


def standardise(cell: Cell) -> Cell:
    """The same basis in the standard orientation. A left-handed one is inverted first: chirality survives."""
    species, frac, lattice = cell
    if not cell.finite:
        raise StructureError("coordinates or cell vectors are not finite")
    if np.linalg.det(lattice) < 0:
        frac = -frac
    return Cell(species, wrap(frac), standard_lattice(*lengths_and_angles(lattice)))


def niggli(cell: Cell) -> Cell:
    """The Niggli-reduced cell in the standard orientation. Raises StructureError when the reduction fails."""
    import spglib

    try:
        reduced = spglib.niggli_reduce(cell.lattice)
    except spglib.SpglibError:
        reduced = None
    if reduced is None:
        raise StructureError("the Niggli reduction of the cell failed")
    change = reduced @ np.linalg.inv(cell.lattice)
    exact = np.rint(change)
    if np.abs(change - exact).max() > 1e-3 or abs(round(np.linalg.det(exact))) != 1:
        raise StructureError("the Niggli reduction of the cell failed")
    inverse = np.rint(np.linalg.inv(exact))
    return standardise(Cell(cell.species, cell.frac @ inverse, exact @ cell.lattice))


def primitive(cell: Cell, tolerance: float) -> Cell:
    """The primitive cell, atoms compared within `tolerance` Å, nothing symmetrised.

    The formula or the rarest element alone tells that most cells are primitive; only the rest go to spglib.
    """
    if not _has_translation(cell, tolerance):
        return cell
    import spglib

    spglib_cell = (cell.lattice.tolist(), cell.frac.tolist(), cell.species.tolist())
    try:
        found = spglib.standardize_cell(spglib_cell, to_primitive=True, no_idealize=True, symprec=tolerance)
    except spglib.SpglibError:
        found = None
    if found is None or len(found[2]) >= len(cell.species):
        return cell
    lattice, frac, species = found
    return Cell(np.asarray(species, dtype=np.int64), wrap(np.asarray(frac)), np.asarray(lattice))


def _has_translation(cell: Cell, tolerance: float) -> bool:
    species, frac, _ = cell
    kinds, counts = np.unique(species, return_counts=True)
    if reduce(gcd, counts.tolist()) == 1:
        return False
    rarest = frac[species == kinds[counts.argmin()]]
    return any(_maps_onto_itself(cell, shift, tolerance) for shift in rarest[1:] - rarest[0])


def _maps_onto_itself(cell: Cell, shift: np.ndarray, tolerance: float) -> bool:
    species, frac, lattice = cell
    for kind in np.unique(species):
        part = frac[species == kind]
        delta = part[:, None] + shift - part
        distances = np.linalg.norm((delta - np.rint(delta)) @ lattice, axis=-1)
        if (distances.min(1) > 2 * tolerance).any():
            return False
    return True


def closest_distance(cell: Cell) -> float:
    """Shortest distance between atoms, an atom's own images included, Å. The cell must be reduced."""
    _, frac, lattice = cell
    shortest = np.linalg.norm(lattice, axis=1).min()
    first, second = np.triu_indices(len(frac), 1)
    for start in range(0, len(first), PAIR_BLOCK):
        block = slice(start, start + PAIR_BLOCK)
        delta = frac[first[block]] - frac[second[block]]
        delta = (delta - np.rint(delta)) @ lattice
        squared = np.square(delta[:, None] + IMAGES @ lattice).sum(-1)
        shortest = min(shortest, float(np.sqrt(squared.min())))
    return float(shortest)
