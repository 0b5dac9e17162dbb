"""Cells as plain values for files, exactly, and as tables that models learn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.data.table import CrystalTable
from nucleate.model.trainable import Trainable
from nucleate.properties.predict import table_of


def plain(cell: Cell | None) -> dict[str, Any] | None:
    """A cell as lists; None stays None."""
    if cell is None:
        return None
    return {name: getattr(cell, name).tolist() for name in ("species", "frac", "lattice")}


def cell_of(said: Mapping[str, Any] | None) -> Cell | None:
    """Inverse of `plain`."""
    if said is None:
        return None
    return Cell(
        np.array(said["species"], dtype=np.int64),
        np.array(said["frac"], dtype=float).reshape(-1, 3),
        np.array(said["lattice"], dtype=float),
    )


def table_for(model: Trainable, cells: Sequence[Cell]) -> CrystalTable:
    """A table of cells named by their numbers, of which no property is known that the model could be told."""
    table = table_of(cells, list(map(str, range(len(cells)))))
    unknown = {name: np.full(len(cells), np.nan) for name in model.conditions}
    return replace(table, properties=unknown) if unknown else table
