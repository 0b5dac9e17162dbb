"""A function of another package as a part of a reward, by the entry points `nucleate.rewards`.

    [project.entry-points."nucleate.rewards"]
    hardness = "my_package.rewards:hardness"

names a function of a list of `nucleate.cell.Cell` with a number for each; NaN where a crystal has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import ClassVar

from nucleate.errors import ModelError, RecipeError
from nucleate.rewards.part import Measure, Part, checked

ENTRY_POINTS = "nucleate.rewards"


@dataclass(frozen=True)
class Plugged(Part):
    """What an installed package measures.

    Attributes:
        name: of its entry point.
    """

    kind: ClassVar[str] = "function"
    name: str = ""

    def opened(self, where: str) -> Measure:
        points = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
        if self.name not in points:
            known = ", ".join(sorted(points)) or "none"
            raise RecipeError(
                f"{where}name: no installed package has a reward function '{self.name}'",
                f"functions: {known}; a package names one by an entry point of the group {ENTRY_POINTS}",
            )
        try:
            call = points[self.name].load()
        except Exception as error:  # whatever another package's import raises
            raise ModelError(
                f"the reward function '{self.name}' can't be loaded ({error})", "mend that package"
            ) from error
        return checked(call, self.name)
