"""What is known when a round chooses: the calls so far, the delta model, the hull as it has grown, who may be asked."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nucleate.energies.hull import Hull
from nucleate.funnel.energies import AboveHull
from nucleate.funnel.hulls import name_of
from nucleate.funnel.judging import CACHE
from nucleate.funnel.rounds.growing import grown, lowered
from nucleate.funnel.rounds.learned import Learned, learned
from nucleate.records.ledger import SPAN, Ledger
from nucleate.records.rounds import Asked, asked
from nucleate.records.tallies import found_of, labels, standing_at
from nucleate.records.verdicts import Candidate
from nucleate.work import Work


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What calls of the oracle up to some round say.

    Attributes:
        calls: those that gave an energy.
        candidates: whom they were about.
        hull: of the plan, by the potential.
        now: the same with what was found.
        learned: the delta model; None without enough calls.
        least: eV/atom; a distance below it is not believed.
        cheap: the value of the potential's distances.
    """

    calls: Sequence[Asked]
    candidates: Sequence[Candidate]
    hull: Hull
    now: Hull
    learned: Learned | None
    least: float
    cheap: str

    def above_now(self, candidates: Sequence[Candidate], above: Sequence[float]) -> np.ndarray:
        """Distances from the hull of the plan as distances from the grown one, eV/atom. [candidates]"""
        return np.asarray(above, dtype=float) + lowered(self.hull, self.now, [one.cell for one in candidates])

    def expected(self, candidates: Sequence[Candidate]) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Distances from the hull of the plan, their standard deviations, half the lengths of their intervals (None
        without a delta model), eV/atom. [candidates]"""
        cheap = np.array([float(one.values[self.cheap]) for one in candidates])  # type: ignore[arg-type]
        if self.learned is None or not candidates:
            return cheap, np.zeros(len(cheap)), None
        mean, deviation, reach = self.learned.expects([one.cell for one in candidates])
        return cheap + mean, deviation, reach

    @property
    def believed(self) -> list[float]:
        """What the oracle said in each call, infinite where it is not believed. [calls]"""
        said = [float(one.above) for one in self.calls if one.above is not None]
        return [each if each >= self.least else np.inf for each in said]


def knowledge(ledger: Ledger, stage: AboveHull, folder: Path, until: int) -> Knowledge:
    """What the rounds up to `until` taught.

    Args:
        stage: whose distances are read.
        folder: of the ledger.
    """
    calls = [one for one in asked(ledger) if one.round <= until and one.above is not None]
    candidates = found_of(ledger, [one.number for one in calls])
    hull = stage.prepared(candidates, Work(cache=folder.absolute() / CACHE))
    cells, above = [one.cell for one in candidates], [float(one.above or 0.0) for one in calls]
    found = [each if each >= stage.least else np.inf for each in above]
    now = grown(hull, cells, found, [f"{name_of(one.cell)} ({one.id})" for one in candidates])
    differences = [each - float(one.expected["cheap"]) for one, each in zip(calls, above, strict=True)]
    name = f"{stage.potential}.e_above_hull"
    return Knowledge(calls, candidates, hull, now, learned(cells, differences), stage.least, name)


def unasked(ledger: Ledger, sources: Container[int] | None = None) -> list[Candidate]:
    """Candidates that came through all stages, and of whom the oracle was not asked, in order.

    sources: numbers of those that count; None for all.
    """
    before = {one.number for one in asked(ledger)}
    left = (number for number in through(ledger) if number not in before)
    return found_of(ledger, [one for one in left if sources is None or one // SPAN in sources])


def through(ledger: Ledger) -> list[int]:
    """Numbers of the candidates that came through all stages."""
    return standing_at(ledger, len(labels(ledger)) - 1)
