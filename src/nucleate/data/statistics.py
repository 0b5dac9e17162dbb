"""Statistics of a split: the part of dataset.json that `nucleate data info` prints."""

from __future__ import annotations

from typing import Any

import numpy as np

from nucleate.data.cells import lengths_and_angles
from nucleate.data.table import CrystalTable
from nucleate.elements import SYMBOLS


def describe(table: CrystalTable) -> dict[str, Any]:
    """Crystals by element and by number of atoms; ranges of lengths, angles, volumes and properties."""
    owner = np.repeat(np.arange(len(table)), table.sizes)
    numbers, crystals = np.unique(np.unique(np.stack([table.species, owner]), axis=1)[0], return_counts=True)
    sizes, counts = np.unique(table.sizes, return_counts=True)
    lengths, angles = lengths_and_angles(table.lattice)
    volumes = np.abs(np.linalg.det(table.lattice))
    return {
        "crystals": len(table),
        "atoms": int(table.sizes.sum()),
        "elements": {SYMBOLS[z]: int(n) for z, n in zip(numbers, crystals, strict=True)},
        "sizes": {str(n): int(count) for n, count in zip(sizes, counts, strict=True)},
        "lengths": _range(lengths),
        "angles": _range(angles),
        "volume": _range(volumes),
        "volume_per_atom": _range(volumes / np.maximum(table.sizes, 1)),
        "properties": {name: _property(column) for name, column in table.properties.items()},
    }


def _range(values: np.ndarray) -> dict[str, float] | None:
    known = values[np.isfinite(values)]
    if not known.size:
        return None
    return {"min": float(known.min()), "mean": float(known.mean()), "max": float(known.max())}


def _property(column: np.ndarray) -> dict[str, Any]:
    if column.dtype.kind == "f":
        return {"kind": "number", "known": int(np.isfinite(column).sum()), "range": _range(column)}
    return {"kind": "text", "known": sum(bool(value) for value in column.tolist())}
