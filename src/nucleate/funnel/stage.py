"""One step of a funnel: candidates in, verdicts with reasons out.

A stage is a frozen dataclass whose fields are its settings, as they stand in a plan. Its identity leaves out whatever
has its default, so that a field that is added later redoes nothing. It is sent to workers, so models are made there, at
first use, and kept for the process. `nucleate.testing.stages` checks these promises.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from nucleate.identity import canonical
from nucleate.records.verdicts import FAILED, PASSED, REJECTED, Candidate, Value, Verdict
from nucleate.work import Work

__all__ = ["FAILED", "PASSED", "REJECTED", "Candidate", "Stage", "Value", "Verdict"]


class Stage(ABC):
    """Judges candidates. A subclass is a frozen dataclass of settings and writes `judge`.

    Attributes:
        name: what a plan calls it: [[stage]] kind = NAME.
        batch: how many candidates are judged at once.
        timeout: seconds for one candidate, unless the plan says otherwise; None for no limit.
    """

    name: ClassVar[str]
    batch: ClassVar[int] = 64
    timeout: ClassVar[float | None] = 60.0

    @property
    def label(self) -> str:
        """What reports call it: its name, and what tells it from others of its kind in one plan."""
        return self.name

    @property
    def identity(self) -> str:
        """All that a verdict depends on besides the candidate."""
        return f"{self.name} {canonical(self)}"

    @property
    def reads(self) -> Sequence[str]:
        """Names of the values of earlier stages that it is given; it is redone where one of them changes."""
        return ()

    @property
    def writes(self) -> Sequence[str]:
        """Names of the values that its verdicts may hold."""
        return ()

    def check(self) -> None:
        """Raise NucleateError, with a hint, where it can't work here: a package or a file that is not there."""
        return

    def party(self, candidate: Candidate) -> str | None:
        """Whom a candidate is judged together with: all of one name come in one batch, in the order of their ids.

        None where each is judged for itself.
        """
        return None

    @abstractmethod
    def judge(self, candidates: Sequence[Candidate], work: Work) -> Sequence[Verdict]:
        """A verdict for each candidate, in their order.

        Whatever it raises of a batch becomes the failure of the candidates that are to blame: they are tried alone.

        Args:
            candidates: one batch.
            work: in this process; its cache is a file for results that several candidates share, None for none.
        """


def together(stage: Stage) -> bool:
    """Whether a stage judges candidates in parties."""
    return type(stage).party is not Stage.party
