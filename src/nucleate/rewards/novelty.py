"""Novelty as a part of a reward: 1 for what a reference does not hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from nucleate.cell import Cell
from nucleate.errors import RecipeError
from nucleate.metrics.dng.novelty import judge_novelty
from nucleate.metrics.dng.reference_index import ReferenceIndex
from nucleate.rewards.part import Measure, Part
from nucleate.rewards.shapes import Numbers

COLUMNS = {"structure": "novel", "formula": "novel_composition", "system": "novel_system"}


@dataclass(frozen=True)
class Novelty(Part):
    """1 for a crystal that the training split of a data set does not hold, else 0.

    Attributes:
        reference: data set folder.
        of: whether the `structure` has to be new, its reduced `formula`, or its chemical `system`.
    """

    kind: ClassVar[str] = "novelty"
    share: ClassVar[bool] = True
    reference: str = ""
    of: Literal["structure", "formula", "system"] = "structure"

    def opened(self, where: str) -> Measure:
        if not self.reference:
            raise RecipeError(
                f"{where}reference names no data set to compare with",
                f'write {where}reference = "data/mp_20"',
            )
        index = ReferenceIndex.open(Path(self.reference))

        def measure(cells: Sequence[Cell]) -> Numbers:
            if not cells:
                return np.zeros(0)
            columns = judge_novelty(list(cells), index).columns
            return np.array([float(bool(one)) for one in columns[COLUMNS[self.of]]])

        return measure
