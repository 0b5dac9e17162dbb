"""What a CIF says of an element: electronegativity, atomic and ionic radius, and its place in a formula."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from functools import cache, lru_cache

from nucleate.elements import SYMBOLS

NOBLE_RADII = {"He": 1.40, "Ne": 1.54, "Ar": 1.88, "Kr": 2.02, "Xe": 2.16, "Rn": 2.20}
"""Van der Waals radii, Å, where there is no atomic radius."""
ALLEN = {"He": 4.16, "Ne": 4.79, "Ar": 3.24}
"""Electronegativities of Allen, where there is none of Pauling."""


@cache
def properties(number: int) -> tuple[str, str, str]:
    """Electronegativity, radius in Å and average ionic radius in Å of an element, as texts of 4 decimals."""
    from pymatgen.core import Element

    name = SYMBOLS[number]
    element = Element(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        negativity, radius, ionic = element.X, element.atomic_radius, element.average_ionic_radius
    first = f"{ALLEN[name]:g}" if math.isnan(negativity) and name in ALLEN else _text(negativity)
    second = f"{NOBLE_RADII[name]:g}" if radius is None and name in NOBLE_RADII else _text(radius)
    return first, second, _text(ionic)


@cache
def order(number: int) -> tuple[float, str]:
    """Sorts the elements of a formula: by electronegativity, then symbol."""
    from pymatgen.core import Element

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        negativity = Element(SYMBOLS[number]).X
    return (math.inf if math.isnan(negativity) else negativity), SYMBOLS[number]


def sorted_counts(counts: Mapping[int, int]) -> tuple[tuple[int, int], ...]:
    """(atomic number, atoms) in the order of a formula."""
    return tuple((number, int(counts[number])) for number in sorted(counts, key=order))


@lru_cache(maxsize=1 << 16)
def structural(counts: tuple[tuple[int, int], ...]) -> tuple[str, int]:
    """The reduced formula as pymatgen writes it, such as Ca3(PO4)2, and how many of it there are."""
    from pymatgen.core import Composition

    text, units = Composition({SYMBOLS[n]: c for n, c in counts}).get_reduced_formula_and_factor()
    return text, int(units)


def _text(value: float | None) -> str:
    return f"{0.0 if value is None or math.isnan(value) else float(value):.4f}"
