"""Average minimum distances (AMD): a descriptor of a periodic set of points that moves little when the points do.

Widdowson, Mosca, Pulido, Kurlin and Cooper, MATCH Commun. Math. Comput. Chem. 87, 529 (2022), arXiv 2009.02488: AMD_k
is the distance from an atom to its k-th nearest neighbour, averaged over the atoms of a cell. It is the same for every
cell of a crystal and ignores the elements. Here distances are in units of (volume / atoms)^(1/3), as the matcher
scales volumes away.
"""

from __future__ import annotations

import numpy as np

from nucleate.cell import plane_distances

NEIGHBOURS = 100
"""As in most published uses."""


def average_minimum_distances(frac: np.ndarray, lattice: np.ndarray, k: int = NEIGHBOURS) -> np.ndarray:
    """AMD_1 to AMD_k of a cell: exact, from as many periodic images as the k-th neighbours need. [k]

    frac: [atoms, 3], any range; lattice: rows are the cell vectors, Å [3, 3]. Raises ValueError where the cell has no
    atoms, no volume, or is not finite.
    """
    from scipy.spatial import KDTree

    volume = abs(float(np.linalg.det(lattice)))
    if not len(frac) or not np.isfinite(frac).all() or not np.isfinite(volume) or volume < 1e-9:
        raise ValueError(f"a cell of {len(frac)} atoms and {volume:g} Å^3 has no neighbour distances")
    length = (volume / len(frac)) ** (1 / 3)
    atoms = (frac - np.floor(frac)) @ lattice
    # a sphere with k + 1 atoms on average, with a margin
    radius = 1.2 * length * (3 * (k + 1) / (4 * np.pi)) ** (1 / 3)
    while True:
        around = _images_within(atoms, lattice, radius)
        if len(around) > k:
            distances = KDTree(around).query(atoms, k + 1)[0]
            # beyond the radius an image may be missing
            if distances[:, k].max() <= radius:
                return distances[:, 1:].mean(0) / length
        radius *= 1.25


def _images_within(atoms: np.ndarray, lattice: np.ndarray, radius: float) -> np.ndarray:
    """Every image of the atoms within the radius of some atom, and a few more. [images, 3], Å"""
    reach = np.floor(radius / plane_distances(lattice)).astype(int) + 1
    steps = np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij")
    shifts = np.stack(steps, -1).reshape(-1, 3) @ lattice
    images = (shifts[:, None] + atoms[None]).reshape(-1, 3)
    centre = atoms.mean(0)
    spread = np.sqrt(((atoms - centre) ** 2).sum(1).max())
    return images[((images - centre) ** 2).sum(1) <= (radius + spread + 1e-9) ** 2]


def element_distances(numbers: np.ndarray, frac: np.ndarray, lattice: np.ndarray, k: int) -> np.ndarray:
    """AMD_1 to AMD_k of each element by itself, by atomic number, in units of the whole crystal. [elements k]

    Unlike AMD, it distinguishes crystals whose elements are swapped. Vectors of one composition can be compared.
    """
    parts = []
    for number in np.unique(numbers):
        own = frac[numbers == number]
        scale = (len(frac) / len(own)) ** (1 / 3)
        parts.append(scale * average_minimum_distances(own, lattice, k))
    return np.concatenate(parts)


def largest_difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Distance of descriptors: their largest difference, row by row. [..., numbers] to [...]"""
    return np.asarray(np.abs(first - second).max(-1))
