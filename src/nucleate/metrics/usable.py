"""Whether a crystal is plausible: atoms not inside one another, a volume that atoms can fill.

Distances are compared with sums of covalent radii (Cordero et al., Dalton Trans. 2008, 2832, as ASE holds them),
including those of an atom to its own images. Of 19,000 crystals of MP-20, Perov-5, Carbon-24 and MPTS-52 the smallest
ratio is 0.624 (Pu; 0.68 with hydrogen), a thousandth of MP-20's are below 0.69, and the median is 0.92. The volume is
compared with that of spheres of these radii: the smallest ratio is 0.63, the median 1.5. The thinnest (a noble gas)
has 202 Å^3 for each atom. All of them pass.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from nucleate.cell import Cell
from nucleate.defects import Rule, Rules, has_atoms, is_finite
from nucleate.measures import closest_image, pair_distances, volume, volume_per_atom
from nucleate.metrics.validity_rules import FLAT_PLANES, MIN_VOLUME

CLOSEST = 0.6
"""Smallest distance of two atoms, in units of the sum of their covalent radii."""
TIGHTEST = 0.5
"""Smallest volume, in units of that of spheres with the atoms' covalent radii."""
THINNEST = 250.0
"""Largest volume for each atom, Å^3."""
RULE = f"no two atoms closer than {CLOSEST} of the sum of their covalent radii, a volume that atoms can fill"


@cache
def _radii() -> np.ndarray:
    """Covalent radii in Å, by atomic number."""
    from ase.data import covalent_radii

    return np.array(covalent_radii)


def filling(cell: Cell) -> float:
    """The volume in units of that of spheres with the atoms' covalent radii."""
    return cell.volume / float((4 / 3 * np.pi * _radii()[cell.species] ** 3).sum())


def closest_atoms(cell: Cell) -> float:
    """Smallest distance of different atoms in units of the sum of their covalent radii."""
    radii = _radii()[cell.species]
    return float((pair_distances(cell) / (radii[:, None] + radii)).min())


def closest_own_image(cell: Cell) -> float:
    """The same of an atom and its own nearest image, for the widest atom."""
    return closest_image(cell) / (2 * _radii()[cell.species].max())


USABLE = Rules(
    (
        has_atoms("not_finite"),
        is_finite("not_finite"),
        Rule("flat", volume, least=MIN_VOLUME),
        replace(FLAT_PLANES, reason="flat"),
        Rule("too_dense", filling, least=TIGHTEST),
        Rule("too_thin", volume_per_atom, most=THINNEST),
        Rule("atoms_too_close", closest_atoms, least=CLOSEST),
        Rule("atoms_too_close", closest_own_image, least=CLOSEST),
    )
)
"""For a crystal of known elements."""
