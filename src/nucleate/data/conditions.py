"""Conditions of the crystals of a table: columns of the data set, and what the structure itself says.

Every column may be one, numbers and words alike. Without a column of that name these come from the structure: its
`element_system` (which elements it holds, exactly), `crystal_system` and `space_group` (within SYMPREC), the number of
`atoms` in its primitive cell as the data set has it, and its `density`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nucleate.data.described import Described, columns_of
from nucleate.data.table import CrystalTable
from nucleate.elements import ATOMIC_MASSES, MAX_ATOMIC_NUMBER
from nucleate.errors import DataError
from nucleate.symmetry.moyo import number_of

SYMPREC = 0.1
"""Å; that of MP-20 in DiffCSP++ (arXiv 2402.03992)."""
SYSTEMS = ("triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic")
LAST_GROUPS = (2, 15, 74, 142, 167, 194, 230)
"""The last space group of each crystal system."""
GROUPS = tuple(map(str, range(1, 231)))
UNIT = 1.66053907
"""g/cm^3 of one u in one Å^3 (CODATA 2018)."""
MOST_WORDS = 1000
LEVELS = (
    0.0,
    0.0005,
    0.001,
    0.002,
    0.005,
    *(place / 100 for place in range(1, 100)),
    0.995,
    0.998,
    0.999,
    0.9995,
    1.0,
)
"""Quantiles of the labels that a card holds."""


def _densities(table: CrystalTable) -> np.ndarray:
    masses = np.add.reduceat(np.array(ATOMIC_MASSES)[table.species], table.offsets[:-1])
    return UNIT * masses / np.abs(np.linalg.det(table.lattice))


def _groups(table: CrystalTable) -> np.ndarray:
    """Numbers of the space groups, NaN where none is found."""
    found = [number_of(table.cell(row), SYMPREC) for row in range(len(table))]
    return np.array(found, dtype=float)


def _systems(table: CrystalTable) -> np.ndarray:
    groups = _groups(table)
    words = np.array([*SYSTEMS, ""], dtype=object)
    return words[np.where(np.isnan(groups), len(SYSTEMS), np.searchsorted(LAST_GROUPS, groups))]


OF_STRUCTURE: dict[str, Callable[[CrystalTable], np.ndarray]] = {
    "crystal_system": _systems,
    "space_group": lambda table: np.array(
        ["" if n != n else str(int(n)) for n in _groups(table)], dtype=object
    ),
    "atoms": lambda table: table.sizes.astype(np.float64),
    "density": _densities,
}
ELEMENTS = "element_system"
WORDS = {"crystal_system": SYSTEMS, "space_group": GROUPS}
"""Categories that are known beforehand."""


def completed(table: CrystalTable, names: Sequence[str]) -> CrystalTable:
    """The table with a column for each of these conditions that comes from the structure, found once."""
    found = {name: OF_STRUCTURE[name](table) for name in names if name in OF_STRUCTURE}
    return replace(table, properties={**found, **table.properties}) if found else table


def described(table: CrystalTable, name: str) -> Described:
    """How a condition is read, from a training split.

    Raises DataError for a property that is not there or known of no crystal, and for a text of too many words.
    """
    if name == ELEMENTS and name not in table.properties:
        return Described("elements")
    column = _column(table, name)
    if column.dtype.kind == "f":
        return Described.of_numbers(column[~np.isnan(column)])
    words = WORDS.get(name) or sorted(set(column.tolist()) - {""})
    if len(words) > MOST_WORDS:
        raise DataError(
            f"the property '{name}' has {len(words)} different words", f"categories may have {MOST_WORDS}"
        )
    return Described.of_words(words)


def told(table: CrystalTable, conditions: Sequence[tuple[str, Described]]) -> CrystalTable:
    """The table with the columns of `columns_of(conditions)` among its properties, NaN where nothing is known."""
    columns = dict(table.properties)
    for name, one in conditions:
        if one.kind == "elements":
            held = np.zeros((len(table), MAX_ATOMIC_NUMBER))
            held[np.repeat(np.arange(len(table)), table.sizes), table.species - 1] = 1.0
            columns |= dict(zip(columns_of([(name, one)]), held.T, strict=True))
        elif one.kind == "number":
            columns[name] = _column(table, name)
        else:
            places = {word: float(place) for place, word in enumerate(one.categories)}
            words = _column(table, name).tolist()
            columns[name] = np.array([places.get(word, np.nan) for word in words])
    return replace(table, properties=columns)


def labels(table: CrystalTable, name: str, one: Described) -> dict[str, Any]:
    """What a card says of the labels of a condition: how many there are, and how they are spread."""
    if one.kind == "elements":
        return {"kind": one.kind, "known": len(table)}
    column = _column(table, name)
    if one.kind == "number":
        known = column[~np.isnan(column)]
        values = [float(f"{value:.6g}") for value in np.quantile(known, LEVELS)]
        return {"kind": one.kind, "known": len(known), "quantiles": values}
    words, counts = np.unique(column[column != ""].astype(str), return_counts=True)
    return {
        "kind": one.kind,
        "known": int(counts.sum()),
        "counts": dict(zip(words.tolist(), counts.tolist(), strict=True)),
    }


def _column(table: CrystalTable, name: str) -> np.ndarray:
    """A column of float64 with NaN, or of words with "", of which something is known."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise DataError(f"'{name}' can't be a condition", "name a property of letters, digits, - and _ alone")
    if name in table.properties:
        column = table.properties[name]
        numbers = column.dtype.kind in "fiu"
        column = table.numbers([name])[:, 0] if numbers else column.astype(object)
        if name == "space_group" and numbers:
            column = np.array(["" if value != value else str(int(value)) for value in column], dtype=object)
    elif name in OF_STRUCTURE:
        column = OF_STRUCTURE[name](table)
    else:
        more = ", ".join([*table.properties, ELEMENTS, *OF_STRUCTURE])
        raise DataError(f"no property '{name}' in the data set", f"conditions may be {more}")
    known = ~np.isnan(column) if column.dtype.kind == "f" else column != ""
    if not known.any():
        raise DataError(f"no crystal of the training split has a known {name}", "leave this condition out")
    return column
