"""Any CIF through pymatgen, and what pymatgen leaves unsaid: whether the atoms it found are those of the file.

pymatgen only warns when atoms are lost, and says nothing of a text field without end or of a second crystal.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from nucleate.errors import StructureError

if TYPE_CHECKING:
    from pymatgen.core import Structure

TOLERANCE = 0.01
"""Relative, between ratios of atoms; sum formulas of experiments are rounded. As pymatgen's comp_tol."""

_COUNT = r"(?:\d+(?:\.\d*)?|\.\d+)?"
_SUM = re.compile(rf"\s*(?:[A-Z][a-z]?{_COUNT}\s*)+")
_PART = re.compile(rf"([A-Z][a-z]?)({_COUNT})")
_BLOCK = re.compile(r"^\s*data_", re.MULTILINE)
_SITES = re.compile(r"^\s*_atom_site_fract_x\b", re.MULTILINE)


def read_any_cif(text: str) -> Structure:
    """The one crystal of a CIF.

    Raises StructureError when pymatgen can't read it (in pymatgen's words), when a text field never ends or the
    file holds several crystals, and when the atoms contradict `_chemical_formula_sum`.
    """
    _refuse_lost_text(text)
    from pymatgen.io.cif import CifParser

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            parser = CifParser.from_str(text)
            structure = parser.parse_structures(primitive=False)[0]
            blocks = parser.as_dict()
        # Foreign text makes pymatgen raise nearly anything (ValueError, IndexError, AssertionError ...).
        except Exception as error:
            raise StructureError(f"unreadable cif: {one_line(error)}") from error
    block = next((one for one in blocks.values() if "_atom_site_fract_x" in one), {})
    if structure.is_ordered:
        _check_sum_formula(structure, block)
    return structure


def one_line(error: Exception) -> str:
    """An error of a foreign library in one line of at most 200 characters."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def _refuse_lost_text(text: str) -> None:
    fences = [number for number, line in enumerate(text.splitlines(), 1) if line.startswith(";")]
    if len(fences) % 2:
        raise StructureError(
            f"unreadable cif: the text field that ';' opens in line {fences[-1]} never ends, or was never opened"
        )
    crystals = sum(bool(_SITES.search(block)) for block in _BLOCK.split(text))
    if crystals > 1:
        raise StructureError(f"several crystals in one cif: {crystals} blocks with atoms, and one is read")


def _check_sum_formula(structure: Structure, block: dict[str, Any]) -> None:
    """Raises StructureError where the atoms are not 1 or Z, without Z a whole number, of the sum formula's units."""
    written = block.get("_chemical_formula_sum")
    formula = read_sum_formula(written) if isinstance(written, str) else None
    if formula is None:
        return
    found: dict[str, float] = {}
    for symbol, count in structure.composition.get_el_amt_dict().items():
        found[_element(symbol)] = found.get(_element(symbol), 0) + count
    if not _is_multiple(found, formula, units := _formula_units(block)):
        atoms = " ".join(f"{symbol}{count:g}" for symbol, count in found.items())
        said = f"{written}, Z {units}" if units else written
        raise StructureError(f"contradicts its sum formula: it says {said}, the atoms are {atoms}")


def read_sum_formula(text: str) -> dict[str, float] | None:
    """'Fe2 O3' -> {'Fe': 2, 'O': 3}; deuterium is hydrogen. None for a text that is no sum formula, such as '?'."""
    if not _SUM.fullmatch(text):
        return None
    formula: dict[str, float] = {}
    for symbol, count in _PART.findall(text):
        formula[_element(symbol)] = formula.get(_element(symbol), 0) + float(count or 1)
    return formula


def _element(symbol: str) -> str:
    return "H" if symbol in ("D", "T") else symbol


def _formula_units(block: dict[str, Any]) -> int:
    """Z, formula units in the cell; 0 where the file does not say."""
    written = block.get("_cell_formula_units_Z")
    return int(written) if isinstance(written, str) and written.isdecimal() and len(written) < 10 else 0


def _is_multiple(found: dict[str, float], formula: dict[str, float], units: int) -> bool:
    formula = {symbol: count for symbol, count in formula.items() if count}
    if found.keys() != formula.keys():
        return False
    ratios = np.array([found[symbol] / formula[symbol] for symbol in formula])
    ratio = float(np.mean(ratios))
    if np.ptp(ratios) > TOLERANCE * ratio:
        return False
    if any(count % 1 for count in formula.values()):
        return True
    allowed = (1, units) if units else (max(1, round(ratio)),)
    return any(abs(ratio - one) <= TOLERANCE * one for one in allowed)
