"""Up to four crystals side by side, and how far apart each two of them are."""

from __future__ import annotations

from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.errors import DataError
from nucleate.metrics.amd import average_minimum_distances
from nucleate.metrics.matching import Matcher, try_match
from nucleate.metrics.reduction import reduce_cell

MOST = 4
PATIENCE = 5.0
"""Seconds for one pair."""


def distances(cells: list[Cell | None]) -> list[list[dict[str, Any] | None]]:
    """For each two crystals: RMS displacement (None without a match) and distance of their geometries.

    The RMS displacement is that of `StructureMatcher` with the tolerances of published match rates, in units of
    (volume / atoms)^(1/3) and in Å at the mean volume of the two. `geometry` is the largest difference of average
    minimum distances, which ignores elements. Raises DataError for more than four crystals.
    """
    if len(cells) > MOST:
        raise DataError(f"{len(cells)} crystals are too many to compare", f"give at most {MOST}")
    table: list[list[dict[str, Any] | None]] = [[None] * len(cells) for _ in cells]
    for i, first in enumerate(cells):
        for j, second in enumerate(cells[:i]):
            if first is not None and second is not None:
                table[i][j] = table[j][i] = _pair(first, second)
    return table


def _pair(first: Cell, second: Cell) -> dict[str, Any]:
    rms, problem = None, ""
    if first.formula == second.formula:
        rms, problem = try_match(lambda: Matcher().rms(reduce_cell(first), reduce_cell(second)), PATIENCE)
    size = np.mean([cell.volume / len(cell.species) for cell in (first, second)]) ** (1 / 3)
    return {
        "same_formula": first.formula == second.formula,
        "rms": rms,
        "rms_length": None if rms is None else float(rms * size),
        "geometry": _geometry(first, second),
        "problem": problem.replace("_", " "),
    }


def _geometry(first: Cell, second: Cell) -> float | None:
    both, _ = try_match(
        lambda: [average_minimum_distances(cell.frac, cell.lattice) for cell in (first, second)], PATIENCE
    )
    return None if both is None else float(np.abs(both[0] - both[1]).max())
