"""The four published checks of a CIF text (CrystaLLM, arXiv 2307.04340): formula, multiplicities, bonds, space group.

Bonds are those of CrystalNN in the conventional cell. One is reasonable if its length is within 32 % of the sum of two
radii: ionic ones where electronegativities differ by 1.7 or more, else atomic ones; one with hydrogen if it is less
than 2.5 times the sum. A crystal without bonds is not reasonable.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from dataclasses import dataclass
from typing import Any

from nucleate.cell import Cell
from nucleate.errors import NucleateError, StructureError
from nucleate.families.cif.reading import FAR, parts_of, read
from nucleate.families.cif.writing import SYMPREC
from nucleate.symmetry.finding import find_sites

WITHIN = 0.32
HYDROGEN = 2.5
IONIC = 1.7
"""Difference of electronegativities from which a bond is ionic."""


@dataclass(frozen=True)
class Validity:
    """What the checks find.

    Attributes:
        formula: the three formulas of the text are of one composition.
        multiplicity: the multiplicities of the sites add up to the formula.
        bonds: share of the bonds that are reasonable; 0 where the text can't be read.
        group: the crystal has the space group that is written, within 0.1 Å.
    """

    formula: bool
    multiplicity: bool
    bonds: float
    group: bool

    @property
    def valid(self) -> bool:
        """All four are as they should be."""
        return self.formula and self.multiplicity and self.bonds == 1 and self.group


def validity(text: str, far: float = FAR) -> Validity:
    """The checks of a text. far: Å that an atom may lie off its position, as for `read`."""
    try:
        number, _, sites = parts_of(text)
        named, summed, structural = formulas(text)
        counts: Counter[int] = Counter()
        for site in sites:
            counts[site.species] += site.multiplicity
    except StructureError:
        return Validity(False, False, 0.0, False)
    same = reduced(named) == reduced(summed) == reduced(structural)
    multiplicity = _numbers(summed) == dict(counts)
    try:
        cell = read(text, far).sites.to_cell(primitive=False)
        return Validity(
            same, multiplicity, reasonable_bonds(cell), find_sites(cell, SYMPREC).number == number
        )
    except NucleateError:
        return Validity(same, multiplicity, 0.0, False)


def formulas(text: str) -> tuple[str, str, str]:
    """The formula of the first line, the sum formula and the structural one. Raises StructureError without them."""
    found = [
        re.search(pattern, text)
        for pattern in (
            r"data_([A-Za-z0-9]+)\n",
            r"_chemical_formula_sum '?([A-Za-z0-9 ]+)'?\n",
            r"_chemical_formula_structural ([A-Za-z0-9()]+)\n",
        )
    ]
    if not all(found):
        raise StructureError("a formula is missing")
    first, second, third = (one[1] for one in found if one)
    return first, second, third


def reduced(formula: str) -> str:
    """A formula in lowest terms; "" for what is none."""
    from pymatgen.core import Composition

    try:
        return Composition(formula).reduced_formula
    except ValueError:
        return ""


def reasonable_bonds(cell: Cell) -> float:
    """Share of the bonds between different atoms of a cell whose length is reasonable; 0 without any."""
    from pymatgen.analysis.local_env import CrystalNN

    structure, good, bonds = cell.to_structure(), 0, 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for index, site in enumerate(structure):
            try:
                neighbours = CrystalNN().get_nn_info(structure, index)
            except (ValueError, RuntimeError, IndexError):
                return 0.0
            for one in neighbours:
                if one["site_index"] == index:
                    continue
                bonds += 1
                good += reasonable(site.specie, one["site"].specie, float(site.distance(one["site"])))
    return good / bonds if bonds else 0.0


def reasonable(one: Any, other: Any, length: float) -> bool:
    """Whether a bond between two elements of pymatgen can have this length, Å."""
    low, high = sorted((one, other), key=lambda element: element.X)
    if high.X - low.X >= IONIC:
        expected = low.average_cationic_radius + high.average_anionic_radius
    else:
        expected = (low.atomic_radius or 0.0) + (high.atomic_radius or 0.0)
    if not expected:
        return False
    ratio = length / expected
    return ratio < HYDROGEN if "H" in (one.symbol, other.symbol) else abs(ratio - 1) < WITHIN


def _numbers(formula: str) -> dict[int, int]:
    from pymatgen.core import Composition

    return {element.Z: int(count) for element, count in Composition(formula).items()}
