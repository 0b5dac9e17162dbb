"""Parsed crystals as columns: one table for each split, with the same type of a property in all of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.data.table import STRUCTURE_COLUMNS, CrystalTable

Row = tuple[str, Cell, dict[str, Any]]


def make_tables(splits: dict[str, list[Row]]) -> dict[str, CrystalTable]:
    """A table for each split with rows. A property is a number if it is one wherever known, else text."""
    names: dict[str, None] = {}
    text: set[str] = set()
    for rows in splits.values():
        for _, _, properties in rows:
            for name, value in properties.items():
                if name not in names and _is_scalar(value):
                    names[name] = None
                if name not in text and _is_scalar(value) and _number(value) is None:
                    text.add(name)
    return {split: _table(rows, [*names], text) for split, rows in splits.items() if rows}


def _table(rows: list[Row], names: Iterable[str], text: set[str]) -> CrystalTable:
    cells = [cell for _, cell, _ in rows]
    sizes = [len(cell.species) for cell in cells]
    known = {name for _, _, properties in rows for name in properties}
    return CrystalTable(
        [name for name, _, _ in rows],
        np.concatenate([cell.species for cell in cells]),
        np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]),
        np.concatenate([cell.frac for cell in cells]),
        np.stack([cell.lattice for cell in cells]),
        {
            _free(name): _column([properties.get(name) for _, _, properties in rows], name in text)
            for name in names
            if name in known
        },
    )


def _column(values: list[Any], text: bool) -> np.ndarray:
    if text:
        return np.array(["" if value is None else str(value) for value in values], dtype=object)
    return np.array([np.nan if value is None else _number(value) for value in values], dtype=np.float64)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float | np.number | np.bool_)


def _number(value: Any) -> float | None:
    """The value as a number, NaN where it says nothing, None where it is text."""
    if isinstance(value, bool | np.bool_):
        return None
    if value == "":
        return float("nan")
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _free(name: str) -> str:
    return f"{name}_" if name in STRUCTURE_COLUMNS else name
