"""Parts that need nothing but the crystal: density, space group, elements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nucleate.cell import Cell
from nucleate.errors import RecipeError
from nucleate.measures import density
from nucleate.rewards.part import Measure, Part
from nucleate.rewards.shapes import Numbers
from nucleate.sampling.targets import elements
from nucleate.settings import within
from nucleate.symmetry.moyo import number_of

LARGEST_GROUP = 230


@dataclass(frozen=True)
class Density(Part):
    """Mass density, g/cm³."""

    kind: ClassVar[str] = "density"

    def opened(self, where: str) -> Measure:
        return lambda cells: np.array([density(cell) for cell in cells])


@dataclass(frozen=True)
class SpaceGroup(Part):
    """1 for crystals of certain space groups, else 0.

    Attributes:
        numbers: of these space groups; empty for all but P1.
        symprec: tolerance of the search, Å.
    """

    kind: ClassVar[str] = "space-group"
    share: ClassVar[bool] = True
    numbers: tuple[int, ...] = ()
    symprec: float = 0.1

    def opened(self, where: str) -> Measure:
        within(self, 1e-5, 5.0, "symprec", where)
        for number in self.numbers:
            if not 1 <= number <= LARGEST_GROUP:
                raise RecipeError(
                    f"{where}numbers: there is no space group {number}", "they go from 1 to 230"
                )
        wanted = frozenset(self.numbers) or frozenset(range(2, LARGEST_GROUP + 1))
        return lambda cells: np.array([float(group_of(cell, self.symprec) in wanted) for cell in cells])


def group_of(cell: Cell, symprec: float) -> int:
    """The number of the space group; 0 where none is found."""
    return number_of(cell, symprec) or 0


@dataclass(frozen=True)
class Elements(Part):
    """Share of the atoms that are of certain elements.

    Attributes:
        elements: their symbols.
    """

    kind: ClassVar[str] = "elements"
    share: ClassVar[bool] = True
    elements: tuple[str, ...] = ()

    def opened(self, where: str) -> Measure:
        wanted = np.array(elements(self.elements))

        def measure(cells: Sequence[Cell]) -> Numbers:
            return np.array([float(np.isin(cell.species, wanted).mean()) for cell in cells])

        return measure
