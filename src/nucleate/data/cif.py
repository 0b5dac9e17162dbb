"""The fast path for P1 CIF files in pymatgen's layout; any other CIF is left to pymatgen.

It reads what pymatgen.io.cif.CifParser would: same lengths and angles, same coordinates, thirds within 1e-4
made exact. It answers only when it is sure: symmetry, partial occupancy, a second block or odd columns give
None, which means "ask pymatgen", so its refusals cost time but never a structure. Atoms keep the order of the
file, while pymatgen sorts them by electronegativity.
"""

from __future__ import annotations

import numpy as np

from nucleate.data.cells import Cell, standard_lattice
from nucleate.elements import ATOMIC_NUMBERS

CELL_KEYS = (
    *(f"_cell_length_{name}" for name in ("a", "b", "c")),
    *(f"_cell_angle_{name}" for name in ("alpha", "beta", "gamma")),
)
SITE_KEYS = (
    "_atom_site_type_symbol",
    "_atom_site_label",
    "_atom_site_symmetry_multiplicity",
    "_atom_site_fract_x",
    "_atom_site_fract_y",
    "_atom_site_fract_z",
    "_atom_site_occupancy",
)
SYMMETRY = ["loop_", "_symmetry_equiv_pos_site_id", "_symmetry_equiv_pos_as_xyz", "1  'x, y, z'"]
THIRDS = (1 / 3, 2 / 3)
THIRD_TOLERANCE = 1e-4


def read_p1_cif(text: str) -> Cell | None:
    """The cell of a P1 CIF in pymatgen's layout, or None when the text is anything else."""
    lines = [
        stripped for line in text.splitlines() if (stripped := line.strip()) and not stripped.startswith("#")
    ]
    try:
        sites = lines.index(SITE_KEYS[0]) + len(SITE_KEYS)
    except ValueError:
        return None
    header, rows = lines[: sites - len(SITE_KEYS)], [line.split() for line in lines[sites:]]
    if tuple(lines[sites - len(SITE_KEYS) : sites]) != SITE_KEYS or header[-5:] != [*SYMMETRY, "loop_"]:
        return None
    if sum(line.startswith("data_") for line in header) != 1 or not rows or {len(row) for row in rows} != {7}:
        return None
    settings = {key: value for key, _, value in (line.partition(" ") for line in header)}
    try:
        lengths_angles = np.array([float(settings[key]) for key in CELL_KEYS])
        species = np.array([ATOMIC_NUMBERS[row[0]] for row in rows])
        numbers = np.array([row[2:] for row in rows], dtype=float)
    except (KeyError, ValueError):
        return None
    if (numbers[:, 0] != 1).any() or (numbers[:, 4] != 1).any() or not np.isfinite(numbers).all():
        return None
    frac = numbers[:, 1:4]
    for third in THIRDS:
        frac[np.abs(frac / third - 1) <= THIRD_TOLERANCE] = third
    return Cell(species, frac, standard_lattice(lengths_angles[:3], lengths_angles[3:]))
