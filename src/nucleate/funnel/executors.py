"""Where a plan runs: processes of this machine."""

from __future__ import annotations

from dataclasses import dataclass

from nucleate.settings import MOST_WORKERS, within
from nucleate.work import Progress, Work


@dataclass(frozen=True)
class WorkPlan:
    """[work] of a plan.

    Attributes:
        workers: processes.
    """

    workers: int = 2

    def __post_init__(self) -> None:
        within(self, 1, MOST_WORKERS, "workers", "work.")

    def work(self, progress: Progress | None = None) -> Work:
        """As the rest of the program knows it."""
        return Work.local(self.workers, progress)
