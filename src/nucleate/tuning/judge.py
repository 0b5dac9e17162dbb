"""The predictor that reports of a run, and never the one that rewards it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from nucleate.cell import Cell
from nucleate.errors import RecipeError
from nucleate.predictor.find import find_model, shipped_models
from nucleate.rewards.predicted import Predicted
from nucleate.rewards.reward import Reward
from nucleate.rewards.shapes import Numbers
from nucleate.runs.model_folder import checksum

PAIRS = (("-first", "-second"), ("-second", "-first"))
"""Endings of shipped predictors on disjoint halves of the labels."""
EVERYTHING = (-1e300, 1e300)


@dataclass(frozen=True, eq=False)
class Judge:
    """A predictor that reports.

    Attributes:
        name: by which it was named.
        part: it, without bounds.
    """

    name: str
    part: Predicted

    @classmethod
    def of(cls, name: str, reward: Reward, tell: Callable[[str], None]) -> Judge | None:
        """The judge of a run: by its name, `auto` for the shipped partner of the only predictor that rewards, `none`.

        Raises RecipeError for a predictor that rewards. Warns of one that learned from the same labels.
        """
        rewarding = reward.predictors
        if name == "auto":
            name = _partner([one.model for one in rewarding.values()])
        if name == "none":
            return None
        part = Predicted(name, range=EVERYTHING)
        task = part.loaded.model.task
        for place, one in rewarding.items():
            if checksum(find_model(one.model)) == part.identity:
                raise RecipeError(
                    f"{name} judges and rewards (parts.{place}): a model that is tuned finds its mistakes first",
                    "judge with a predictor of the other half of the labels, such as property-tc-second",
                )
            other = one.loaded.model.task
            if other.target == task.target and {other.half, task.half} != {"first", "second"}:
                tell(
                    f"the judge {name} and {one.model} of parts.{place} were not trained on disjoint halves of the "
                    "labels: they share mistakes"
                )
        return cls(name, part)

    def __call__(self, cells: Sequence[Cell | None]) -> Numbers:
        """Its predictions, NaN where there is none."""
        known = [row for row, cell in enumerate(cells) if cell is not None]
        found = np.full(len(cells), np.nan)
        if known:
            found[known] = self.part.opened("judge.")([cell for cell in cells if cell is not None])
        return found


def _partner(names: Sequence[str]) -> str:
    shipped = shipped_models()
    if len(names) == 1:
        for ending, other in PAIRS:
            partner = names[0].removesuffix(ending) + other
            if names[0].endswith(ending) and partner in shipped:
                return partner
    return "none"
