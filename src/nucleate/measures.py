"""Numbers describing one crystal, limited by judges, data and potentials: sizes, densities, distances.

Distances are exact in any basis: minimum images by pymatgen, and for an atom's own images the shortest lattice vector.
"""

from __future__ import annotations

import numpy as np

from nucleate.cell import FLAT, Cell
from nucleate.elements import ATOMIC_MASSES, MAX_ATOMIC_NUMBER

DENSITY_UNIT = 1.66053907
"""g/cm³ in one u/Å³."""
STEPS = np.array([n for n in np.ndindex(5, 5, 5) if n != (2, 2, 2)]) - 2
"""Coefficients from -2 to 2 of the three vectors of a basis, all zero left out. [124, 3]"""


def atoms(cell: Cell) -> int:
    """Number of atoms."""
    return len(cell.species)


def strangers(cell: Cell) -> int:
    """Number of atoms of unknown elements."""
    return int(((cell.species < 1) | (cell.species > MAX_ATOMIC_NUMBER)).sum())


def broken(cell: Cell) -> int:
    """1 if a coordinate or a cell vector is not finite, else 0."""
    return int(not cell.finite)


def volume(cell: Cell) -> float:
    """Å³."""
    return cell.volume


def volume_per_atom(cell: Cell) -> float:
    """Å³; infinite without atoms."""
    return cell.volume / len(cell.species) if len(cell.species) else np.inf


def atom_density(cell: Cell) -> float:
    """Atoms per Å³, for a cell with a volume."""
    return len(cell.species) / cell.volume


def density(cell: Cell) -> float:
    """g/cm³ with the standard weights of `nucleate.elements`; infinite where there is no volume."""
    mass = float(np.array(ATOMIC_MASSES)[cell.species].sum())
    return mass * DENSITY_UNIT / cell.volume if cell.volume else np.inf


def shortest(cell: Cell) -> float:
    """Length of the shortest cell vector, Å."""
    return float(np.linalg.norm(cell.lattice, axis=1).min())


def longest(cell: Cell) -> float:
    """Length of the longest cell vector, Å."""
    return float(np.linalg.norm(cell.lattice, axis=1).max())


def thickness(cell: Cell) -> float:
    """Smallest distance of lattice planes, in a reduced basis where the given one is flat, Å; infinite where it is too
    large for a number.

    For a finite cell with a volume.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        smallest = float(cell.heights.min())
        if not smallest >= FLAT:
            smallest = max(smallest, float(cell.compact().heights.min()))
    return np.inf if np.isnan(smallest) else smallest


def pair_distances(cell: Cell) -> np.ndarray:
    """Minimum-image distances of different atoms of a finite cell with a volume, infinite on the diagonal, Å.
    [atoms, atoms]"""
    from pymatgen.core import Lattice
    from pymatgen.util.coord_cython import pbc_shortest_vectors

    frac = np.ascontiguousarray(cell.frac, dtype=float)
    _, squares = pbc_shortest_vectors(Lattice(cell.lattice), frac, frac, None, True)
    distances = np.sqrt(np.array(squares))
    np.fill_diagonal(distances, np.inf)
    return distances


def closest_pair(cell: Cell) -> float:
    """Smallest distance of different atoms of a finite cell with a volume, Å; infinite for fewer than two."""
    return float(pair_distances(cell).min()) if len(cell.species) > 1 else np.inf


def closest_image(cell: Cell) -> float:
    """Distance of an atom to the nearest image of itself, the length of the shortest lattice vector, Å."""
    from pymatgen.core import Lattice

    # the basis is LLL-reduced: its shortest vector needs no coefficient above 2
    vectors = STEPS @ Lattice(cell.lattice).get_lll_reduced_lattice().matrix
    return float(np.sqrt((vectors**2).sum(1).min()))


def elongation(cell: Cell) -> float:
    """Longest over shortest vector of the reduced (LLL) cell."""
    from pymatgen.core import Lattice

    lengths = Lattice(cell.lattice).get_lll_reduced_lattice().lengths
    return float(max(lengths) / min(lengths))
