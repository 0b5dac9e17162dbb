"""Whether a crystal is one that a chemist would look at: atoms not inside one another, a volume that atoms can fill.

Distances are compared with sums of covalent radii (Cordero et al., Dalton Trans. 2008, 2832, as ASE holds them),
those of an atom to its own images too. Of 19,000 crystals of MP-20, Perov-5, Carbon-24 and MPTS-52 the smallest
ratio is 0.624 (Pu; 0.68 with hydrogen), a thousandth of MP-20's are below 0.69, and the median is 0.92. The volume is
compared with that of spheres of these radii: the smallest ratio is 0.63, the median 1.5. The thinnest (a noble gas)
has 202 Å^3 for each atom. All of them pass.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from nucleate.cell import Cell
from nucleate.metrics.validity import MIN_VOLUME, closest_image, pair_distances, too_flat

CLOSEST = 0.6
"""Smallest distance of two atoms, in units of the sum of their covalent radii."""
TIGHTEST = 0.5
"""Smallest volume, in units of that of spheres with the atoms' covalent radii."""
THINNEST = 250.0
"""Largest volume for each atom, Å^3."""
RULE = f"no two atoms closer than {CLOSEST} of the sum of their covalent radii, a volume that atoms can fill"


def problem(cell: Cell) -> str:
    """Why a crystal of known elements can't be used: `not_finite`, `flat`, `too_dense`, `too_thin`,
    `atoms_too_close`; "" for one that can."""
    if not len(cell.species) or not (np.isfinite(cell.lattice).all() and np.isfinite(cell.frac).all()):
        return "not_finite"
    volume = abs(np.linalg.det(cell.lattice))
    if volume < MIN_VOLUME or too_flat(cell):
        return "flat"
    radii = _radii()[cell.species]
    if volume < TIGHTEST * (4 / 3 * np.pi * radii**3).sum():
        return "too_dense"
    if volume > THINNEST * len(radii):
        return "too_thin"
    apart = pair_distances(cell) / (radii[:, None] + radii)
    own = closest_image(cell) / (2 * radii.max())
    return "atoms_too_close" if min(float(apart.min()), own) < CLOSEST else ""


@cache
def _radii() -> np.ndarray:
    """Covalent radii in Å, by atomic number."""
    from ase.data import covalent_radii

    return np.array(covalent_radii)
