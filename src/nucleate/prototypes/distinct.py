"""Which candidates of one composition are the same structure: found by their prototypes first, then by the matcher."""

from __future__ import annotations

import numpy as np

from nucleate.cell import Cell
from nucleate.metrics.matching import Matcher, Shapes, try_match
from nucleate.metrics.ranking import DEFAULT_TOLERANCES
from nucleate.metrics.reduction import Reduced, reduce_cell

NEAR = 0.05
"""In units of (volume / atoms)^(1/3): cells and atoms this close are the same without asking the matcher."""
SECONDS = 2.0
"""Time limit of one comparison; one that takes longer counts as different."""


class Distinct:
    """Structures of one composition, each different from the others, in the order they were offered."""

    def __init__(self, matcher: Matcher = DEFAULT_TOLERANCES) -> None:
        self.matcher = matcher
        self.keys: list[int] = []
        self.cells: list[Cell] = []
        self.reduced: list[Reduced] = []

    def place(self, key: int, cell: Cell) -> tuple[int, bool]:
        """The index of a structure, and whether it is new.

        key: the same for the same prototype with the same elements in the same standard description.
        """
        for place, other in enumerate(self.keys):
            if other == key and alike(cell, self.cells[place]):
                return place, False
        reduced, _ = try_match(lambda: reduce_cell(cell), SECONDS)
        if reduced is None:
            return -1, False
        if self.reduced:
            shapes = Shapes.of(self.reduced)
            own = Shapes.of([reduced] * len(self.reduced))
            for place in np.flatnonzero(self.matcher.may_match(own, shapes)).tolist():
                other = self.reduced[place]
                if try_match(lambda other=other: self.matcher.fits(reduced, other), SECONDS)[0]:
                    return place, False
        self.keys.append(key)
        self.cells.append(cell)
        self.reduced.append(reduced)
        return len(self.keys) - 1, True


def alike(one: Cell, other: Cell) -> bool:
    """Whether two cells in one standard description are close atom by atom, at any volumes."""
    if one.frac.shape != other.frac.shape or (one.species != other.species).any():
        return False
    first, second = (cell.lattice / cell.volume ** (1 / 3) for cell in (one, other))
    if np.abs(first - second).max() > NEAR:
        return False
    gap = one.frac - other.frac
    gap -= np.rint(gap)
    length = len(one.species) ** (-1 / 3)
    return bool((np.linalg.norm(gap @ first, axis=1) < NEAR * length).all())
