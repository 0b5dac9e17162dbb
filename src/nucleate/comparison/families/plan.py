"""The plan of a comparison of families: data, budgets, and what is measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nucleate.comparison.families.members import Family
from nucleate.settings import MOST_SECONDS, MOST_STEPS, within


@dataclass(frozen=True)
class FamilyPlan:
    """Everything that decides the numbers.

    Attributes:
        data: data set folders.
        families: the rows.
        seeds: number of training seeds: 0, 1, ...
        minutes: training of each model, minutes of the processor.
        seconds: sampling of each model and task, seconds of the processor.
        crystals: crystals generated from nothing, at most.
        compositions: validation compositions of which one structure is predicted, at most.
        references: validation crystals with which distributions and coverage are compared; None for all.
        relaxed: generated crystals that are relaxed for S.U.N., 0 for none.
    """

    data: tuple[Path, ...]
    families: tuple[Family, ...]
    seeds: int = 3
    minutes: float = 60.0
    seconds: float = 60.0
    crystals: int = 1000
    compositions: int = 200
    references: int | None = None
    relaxed: int = 0

    def __post_init__(self) -> None:
        within(self, 1, 10**4, "seeds")
        within(self, 1e-3, MOST_SECONDS, "minutes seconds")
        within(self, 1, MOST_STEPS, "crystals compositions references")
        within(self, 0, MOST_STEPS, "relaxed")

    def units(self) -> list[FamilyUnit]:
        """All rows, seed by seed, so that an early stop leaves whole seeds."""
        return [
            FamilyUnit(data, family, seed)
            for seed in range(self.seeds)
            for data in self.data
            for family in self.families
        ]

    def asked(self, task: str) -> dict[str, Any]:
        """What the numbers of a task hang on, beside data, family and seed."""
        common = {"minutes": self.minutes, "seconds": self.seconds}
        if task == "csp":
            return {**common, "compositions": self.compositions}
        generated = {**common, "crystals": self.crystals}
        return (
            {**generated, "relaxed": self.relaxed}
            if task == "sun"
            else {**generated, "references": self.references}
        )


@dataclass(frozen=True)
class FamilyUnit:
    """One family on one data set with one seed."""

    data: Path
    family: Family
    seed: int

    def folder(self, root: Path) -> Path:
        return root / self.data.name / f"{self.family.name}-seed-{self.seed}"
