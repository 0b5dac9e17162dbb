"""Corrections that bring raw PBE(+U) energies to the scale of the Materials Project's corrected ones.

MaterialsProject2020Compatibility (Wang et al., Sci. Rep. 11, 15496, 2021), as pymatgen computes it: one energy for each
anion by its kind (oxide, peroxide, sulfide, ...), and one for each atom of a transition metal that the Materials
Project computes with a Hubbard U: those of its relaxation set in oxides and fluorides. A potential that was fitted to
raw energies of that set needs them; one that was fitted to corrected energies, as CHGNet, has them already.
"""

from __future__ import annotations

import warnings
from functools import cache
from math import isnan
from typing import Any

from nucleate.cell import Cell


def mp2020_correction(cell: Cell) -> float | None:
    """What is added to the raw energy of a crystal, eV for the whole cell; None where the scheme refuses it."""
    from pymatgen.entries.computed_entries import ComputedStructureEntry

    structure = cell.to_structure()
    hubbards = hubbard_values(cell)
    parameters = {
        "run_type": "GGA+U" if hubbards else "GGA",
        "hubbards": hubbards,
        "is_hubbard": bool(hubbards),
    }
    entry = ComputedStructureEntry(structure, 0.0, parameters=parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        corrected: Any = _scheme().process_entry(entry)
    return None if corrected is None else float(corrected.correction)


def hubbard_values(cell: Cell) -> dict[str, float]:
    """U of the elements that the Materials Project treats with one in such a crystal, eV by symbol.

    It does so where the most electronegative element is oxygen or fluorine.
    """
    from pymatgen.core import Element
    from pymatgen.io.vasp.sets import MPRelaxSet

    elements = [Element.from_Z(z) for z in sorted(set(cell.species.tolist()))]
    with warnings.catch_warnings():
        # noble gases have no electronegativity
        warnings.simplefilter("ignore")
        values = {one: one.X for one in elements}
    most = max(elements, key=lambda one: -1.0 if isnan(values[one]) else values[one])
    config: Any = MPRelaxSet.CONFIG
    table = config["INCAR"]["LDAUU"].get(most.symbol, {})
    return {one.symbol: float(table[one.symbol]) for one in elements if table.get(one.symbol, 0) > 0}


@cache
def _scheme() -> Any:
    from pymatgen.entries.compatibility import MaterialsProject2020Compatibility

    return MaterialsProject2020Compatibility(check_potcar=False)
