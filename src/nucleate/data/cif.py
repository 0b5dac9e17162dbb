"""The fast path for P1 CIF files in pymatgen's layout; any other CIF is left to pymatgen.

It reads what pymatgen.io.cif.CifParser would: same lengths and angles, same coordinates, thirds within 1e-4
made exact. The whole text has to match one grammar, and the atoms the sum formula; for anything else the
answer is None, which means "ask pymatgen", so its refusals cost time but never a structure or an atom.
Atoms keep the order of the file, while pymatgen sorts them by electronegativity.
"""

from __future__ import annotations

import re
from collections import Counter
from string import ascii_letters

import numpy as np

from nucleate.cell import Cell
from nucleate.data.cells import standard_lattice
from nucleate.elements import ATOMIC_NUMBERS

THIRDS = (1 / 3, 2 / 3)
THIRD_TOLERANCE = 1e-4
SAME_SITE = 2e-4
"""Fractional coordinates this close may be one site to pymatgen, whose tolerance is half of it."""
THINNEST = 0.011
"""Å between lattice planes; pymatgen refuses cells below 0.01."""
BLOCK = 200_000

_NUMBER = r"-?[0-9]{1,12}\.[0-9]{1,30}"
_FORMULA = r"[A-Z][a-z]?[0-9]{1,9}(?: [A-Z][a-z]?[0-9]{1,9})*"
_HEADER = (
    r"data_[A-Za-z0-9().+-]+",
    r"_symmetry_space_group_name_H-M +'P 1'",
    *(rf"_cell_length_{name} +({_NUMBER})" for name in ("a", "b", "c")),
    *(rf"_cell_angle_{name} +({_NUMBER})" for name in ("alpha", "beta", "gamma")),
    r"_symmetry_Int_Tables_number +1",
    r"_chemical_formula_structural +[A-Za-z0-9().]+",
    rf"_chemical_formula_sum +(?P<quote>'?)(?P<formula>{_FORMULA})(?P=quote)",
    rf"_cell_volume +{_NUMBER}",
    r"(?:_cell_formula_units_Z +[0-9]+)?",
    "loop_",
    "_symmetry_equiv_pos_site_id",
    "_symmetry_equiv_pos_as_xyz",
    "1 +'x, y, z'",
    "loop_",
    "_atom_site_type_symbol",
    "_atom_site_label",
    "_atom_site_symmetry_multiplicity",
    *(f"_atom_site_fract_{name}" for name in ("x", "y", "z")),
    "_atom_site_occupancy",
)
_END = r"[ \t]*\r?\n\s*"
_COMMENTS = r"\s*(?:#[^\n]*\n\s*)*"
_HEAD = re.compile(_COMMENTS + "".join(line + (_END if line[-1] != "?" else r"\s*") for line in _HEADER))
_ROW = rf"([A-Z][a-z]?) +\1[0-9]* +1 +{_NUMBER} +{_NUMBER} +{_NUMBER} +1(?:\.0+)?[ \t]*\r?(?:\n\s*|\Z)"
_ROWS = re.compile(f"(?:{_ROW})+")


def read_p1_cif(text: str) -> Cell | None:
    """The cell of a P1 CIF in pymatgen's layout, or None when the text is anything else.

    Raises StructureError when no cell has the lengths and angles of such a file.
    """
    head = _HEAD.match(text)
    if head is None or _ROWS.fullmatch(text, head.end()) is None:
        return None
    fields = text[head.end() :].split()
    symbols = fields[::7]
    if Counter(symbols) != _counts(head["formula"]) or not ATOMIC_NUMBERS.keys() >= set(symbols):
        return None
    lengths_angles = np.array(head.groups()[:6], dtype=float)
    frac = np.array([fields[3::7], fields[4::7], fields[5::7]], dtype=float).T
    lattice = standard_lattice(lengths_angles[:3], lengths_angles[3:])
    for third in THIRDS:
        frac[np.abs(frac / third - 1) <= THIRD_TOLERANCE] = third
    if _least_thickness(lattice, lengths_angles[:3]) < THINNEST or _share_a_site(frac):
        return None
    return Cell(np.array([ATOMIC_NUMBERS[symbol] for symbol in symbols]), frac, lattice)


def _counts(formula: str) -> dict[str, int]:
    """'Na1 Cl1' -> {'Na': 1, 'Cl': 1}; empty where an element is named twice."""
    parts = formula.split()
    counts = {part.rstrip("0123456789"): int(part.lstrip(ascii_letters)) for part in parts}
    return counts if len(counts) == len(parts) else {}


def _least_thickness(lattice: np.ndarray, lengths: np.ndarray) -> float:
    """A lower bound of the distances of lattice planes, Å: volume / product of the two longest vectors."""
    (ax, _, _), (_, by, _), (_, _, c) = lattice.tolist()
    _, middle, longest = sorted(lengths.tolist())
    return ax * by * c / (middle * longest)


def _share_a_site(frac: np.ndarray) -> bool:
    """Whether two atoms stand, up to whole cells, on one site."""
    rows = max(1, BLOCK // len(frac))
    for start in range(0, len(frac), rows):
        part = frac[start : start + rows]
        delta = part[:, None] - frac
        near = np.abs(delta - np.rint(delta)) < SAME_SITE
        if np.count_nonzero(near.all(-1)) > len(part):
            return True
    return False
