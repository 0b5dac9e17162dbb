"""The hull as it grows: what the oracle put below it joins it, and lowers it for all that come later.

The oracle's distances and those of the potential are each from a hull of their own. What was found joins the
potential's hull, as far below it as the oracle says, so that no energy of the oracle is needed where it was not asked.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nucleate.cell import Cell
from nucleate.energies.convex_hull import fractions_of
from nucleate.energies.hull import Hull


def grown(hull: Hull, cells: Sequence[Cell], above: Sequence[float], labels: Sequence[str]) -> Hull:
    """A hull with what was found below it.

    Args:
        hull: of the plan.
        cells: crystals that the oracle was asked about.
        above: what it said of each, eV/atom above its hull; those at 0 and above change nothing.
        labels: their names.
    """
    below = [row for row, each in enumerate(above) if each < 0]
    bases = {row: hull.energy_at(cells[row].species) for row in below}
    known = [(row, base) for row, base in bases.items() if base is not None]
    if not known:
        return hull
    fractions = np.array([fractions_of(cells[row].species) for row, _ in known])
    energies = np.array([base + above[row] for row, base in known])
    return hull.joined_by(fractions, energies, [labels[row] for row, _ in known])


def lowered(hull: Hull, now: Hull, cells: Sequence[Cell]) -> np.ndarray:
    """How much lower the hull is by now at the compositions of crystals, eV/atom, 0 or more. [crystals]"""
    if now is hull:
        return np.zeros(len(cells))
    pairs = ((hull.energy_at(cell.species), now.energy_at(cell.species)) for cell in cells)
    return np.array([0.0 if old is None or new is None else max(old - new, 0.0) for old, new in pairs])
