"""Tables one after another, their property columns united."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nucleate.data.table import CrystalTable


def concatenate(tables: Sequence[CrystalTable]) -> CrystalTable:
    """All rows in one table. A column that is text in one table is text; a table without it has NaN or ""."""
    names = dict.fromkeys(name for table in tables for name in table.properties)
    sizes = np.concatenate([table.sizes for table in tables])
    return CrystalTable(
        [name for table in tables for name in table.ids],
        np.concatenate([table.species for table in tables]),
        np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]),
        np.concatenate([table.frac for table in tables]),
        np.concatenate([table.lattice for table in tables]),
        {name: _column(name, tables) for name in names},
    )


def _column(name: str, tables: Sequence[CrystalTable]) -> np.ndarray:
    parts = [table.properties.get(name) for table in tables]
    if all(part is None or part.dtype.kind in "iuf" for part in parts):
        filled = [
            np.full(len(table), np.nan) if part is None else np.asarray(part, dtype=np.float64)
            for table, part in zip(tables, parts, strict=True)
        ]
        return np.concatenate(filled)
    words = [
        [""] * len(table) if part is None else [word_of(value) for value in part.tolist()]
        for table, part in zip(tables, parts, strict=True)
    ]
    return np.array([word for part in words for word in part], dtype=object)


def word_of(value: object) -> str:
    """A property as text: whole numbers without a point, "" where nothing is known."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
