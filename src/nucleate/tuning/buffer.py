"""The replay buffer: the best crystals so far, with no formula or chemical system too often among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.rewards.diversity import spared
from nucleate.rewards.shapes import Numbers
from nucleate.tuning.cells import cell_of, plain


@dataclass(frozen=True, eq=False)
class Buffer:
    """The best crystals, the best first.

    Attributes:
        size: how many there may be.
        per_formula: of one reduced formula.
        per_system: largest share of `size` that one chemical system has.
        cells: the crystals.
        values: their rewards. [crystals]
    """

    size: int
    per_formula: int
    per_system: float
    cells: tuple[Cell, ...] = ()
    values: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.cells)

    def with_draws(self, cells: Sequence[Cell | None], values: Numbers) -> Buffer:
        """The buffer after a round. Crystals without a reward never enter it; among equals the older one stays."""
        new = [(cell, float(x)) for cell, x in zip(cells, values, strict=True) if cell is not None and x > 0]
        every = [*zip(self.cells, self.values, strict=True), *new]
        if not every:
            return self
        worth = np.array([value for _, value in every])
        most = max(1, int(self.per_system * self.size))
        kept = spared([cell.formula for cell, _ in every], worth, (), most, self.per_formula)
        best = [row for row in np.argsort(-worth, kind="stable") if kept[row]][: self.size]
        return Buffer(
            self.size, self.per_formula, self.per_system,
            tuple(every[row][0] for row in best), tuple(every[row][1] for row in best),
        )  # fmt: skip

    def shown(self, count: int, temperature: float, rng: np.random.Generator) -> list[Cell]:
        """Crystals in proportion to exp(reward / temperature)."""
        weight = np.exp((np.array(self.values) - max(self.values)) / temperature)
        return [self.cells[row] for row in rng.choice(len(self), count, p=weight / weight.sum())]

    def to_plain(self) -> dict[str, Any]:
        """Plain values for a file."""
        return {"cells": [plain(cell) for cell in self.cells], "values": list(self.values)}

    def recalled(self, said: dict[str, Any]) -> Buffer:
        """This buffer with the content of such values."""
        cells = tuple(cell for one in said["cells"] if (cell := cell_of(one)) is not None)
        return Buffer(self.size, self.per_formula, self.per_system, cells, tuple(said["values"]))
