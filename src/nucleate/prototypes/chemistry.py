"""How far apart elements are: five numbers each, as deviations from their mean over the periodic table.

Period (weight 0.7), group, Mendeleev number, electronegativity (Pauling, weight 1.3), atomic radius, from pymatgen. An
element whose number is not known has the mean.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from nucleate.elements import MAX_ATOMIC_NUMBER, SYMBOLS

WEIGHTS = (0.7, 1.0, 1.0, 1.3, 1.0)


@cache
def element_vectors() -> np.ndarray:
    """One row for each atomic number; row 0 is of no element. [MAX_ATOMIC_NUMBER + 1, 5]"""
    from pymatgen.core import Element

    rows = np.full((MAX_ATOMIC_NUMBER + 1, len(WEIGHTS)), np.nan)
    for number in range(1, MAX_ATOMIC_NUMBER + 1):
        one = Element(SYMBOLS[number])
        electronegativity = one.data.get("X")
        radius = one.data.get("Atomic radius")
        known = (one.row, one.group, one.mendeleev_no, electronegativity, radius)
        rows[number] = [value if isinstance(value, int | float) else np.nan for value in known]
    rows = (rows - np.nanmean(rows, 0)) / np.nanstd(rows, 0)
    return np.nan_to_num(rows) * np.array(WEIGHTS)


@cache
def element_distances() -> np.ndarray:
    """Euclidean distance of every two atomic numbers. [MAX_ATOMIC_NUMBER + 1, MAX_ATOMIC_NUMBER + 1]"""
    vectors = element_vectors()
    return np.linalg.norm(vectors[:, None] - vectors, axis=-1)
