"""How stiff a crystal is before anything is known of it: springs between neighbours (after the preconditioner of
Packwood et al., J. Chem. Phys. 144, 164109, 2016), stretched by strains and by ways of the atoms alike.

A spring of stiffness k and direction n between atoms i and j at a distance r is stretched by n . (d_j - d_i + e r n),
so that strains, positions and their coupling get one scale. The springs fall off with the distance over the sum of the
elements' radii. The stiffness is right within a factor of two or so; what it is good for is the ratios.
"""

from __future__ import annotations

import numpy as np

from nucleate.cell import Cell
from nucleate.energies.free_parameters import FreeParameters

STIFFNESS = 2.5
"""eV/Å^2 of two atoms at the sum of their covalent radii."""
DECAY = 5.0
"""A spring is e^-1 as stiff where it is longer by a DECAYth of that sum."""
REACH = 1.9
"""Springs end at so many sums of the covalent radii."""
LEAST_ATOM, LEAST_STRAIN = 0.5, 0.15
"""Stiffness that every way has in any case, eV/Å^2, and every strain, eV/Å^3."""


def spring_hessian(free: FreeParameters) -> np.ndarray:
    """Second derivatives along the free parameters at the reference, symmetric and positive.
    [parameters, parameters], eV for strains, eV/Å^2 for ways."""
    first, second, vectors, stiffness = springs(free.reference)
    lengths = np.linalg.norm(vectors, axis=1)
    units = vectors / lengths[:, None]
    along_strain = np.einsum("pi,kij,pj->pk", units, free.strains, vectors)
    along_ways = np.einsum("pi,kpi->pk", units, free.ways[:, second] - free.ways[:, first])
    stretch = np.concatenate([along_strain, along_ways], 1)
    # each spring is listed from both of its ends
    hessian = 0.5 * (stretch.T * stiffness) @ stretch
    floor = [free.reference.volume * LEAST_STRAIN] * len(free.strains) + [LEAST_ATOM] * len(free.ways)
    return hessian + np.diag(floor)


def springs(cell: Cell) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Atoms at both ends [springs], twice; the vectors between them [springs, 3], Å; stiffness [springs], eV/Å^2."""
    from ase.data import covalent_radii

    radii = covalent_radii[cell.species]
    structure = cell.to_structure()
    first, second, images, lengths = structure.get_neighbor_list(2 * REACH * float(radii.max()))
    sums = radii[first] + radii[second]
    kept = lengths < REACH * sums
    first, second, images, lengths, sums = (part[kept] for part in (first, second, images, lengths, sums))
    vectors = (cell.frac[second] + images - cell.frac[first]) @ cell.lattice
    # atoms that are far too close would be infinitely stiff
    stretched = np.maximum(lengths / sums, 0.7)
    return first, second, vectors, STIFFNESS * np.exp(-DECAY * (stretched - 1))
