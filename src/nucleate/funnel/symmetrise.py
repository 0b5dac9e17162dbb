"""The space group of a candidate found and made exact, its cell made primitive: fewer parameters to relax."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nucleate.cell import Cell
from nucleate.data.cell_forms import number_and_symbol, standard, symmetrised
from nucleate.data.cells import niggli
from nucleate.errors import RecipeError, StructureError
from nucleate.funnel.stage import Candidate, Stage, Verdict
from nucleate.settings import within
from nucleate.work import Work

EXACT = 1e-3
"""Å; the tolerance at which a symmetrised crystal shows its space group."""


@dataclass(frozen=True)
class Symmetrise(Stage):
    """Exact symmetry.

    Attributes:
        symprec: tolerance within which a space group is found, Å.
        lowest: the smallest number of a space group that passes; 2 rejects crystals without symmetry.
        primitive: whether the cell becomes the primitive one, Niggli-reduced (standard ones may be needles).
    """

    name = "symmetrise"

    symprec: float = 0.1
    lowest: int = 1
    primitive: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.symprec <= 5:
            raise RecipeError(f"symprec = {self.symprec} Å finds no symmetry", "0.1 is usual; give up to 5")
        within(self, 1, 230, "lowest")

    @property
    def writes(self) -> Sequence[str]:
        return ("space_group", "space_group_symbol")

    def judge(self, candidates: Sequence[Candidate], work: Work) -> Sequence[Verdict]:
        return [self._judge(one) for one in candidates]

    def _judge(self, one: Candidate) -> Verdict:
        try:
            cell = self._exact(one.cell)
            number, symbol = number_and_symbol(cell, EXACT)
        except StructureError as error:
            return Verdict.failed("no space group", error.message)
        if number < self.lowest:
            return Verdict.rejected("too little symmetry", f"space group {number}, least {self.lowest}")
        values = {"space_group": number, "space_group_symbol": symbol}
        return Verdict.passed(cell, values=values)

    def _exact(self, cell: Cell) -> Cell:
        return (
            niggli(standard(cell, self.symprec, True)) if self.primitive else symmetrised(cell, self.symprec)
        )


STAGES = (Symmetrise,)
