"""Candidates that are the same crystal: of those that fit each other, one stays.

Two are the same where pymatgen's `StructureMatcher.fit` says so, with its default tolerances unless others are set.
Candidates of one reduced formula are compared one by one with those that stay so far, in the order of their ids, or
lowest first by a value: the count of MatterGen (arXiv 2312.03687). A comparison that takes too long counts as no
match.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from nucleate.errors import RecipeError
from nucleate.funnel.stage import Candidate, Stage, Verdict
from nucleate.metrics.dng.equivalence import canonical_key, formula_text
from nucleate.metrics.matching import Matcher, Shapes, try_match
from nucleate.metrics.reduction import Reduced, reduce_cell
from nucleate.settings import within
from nucleate.work import Work

SECONDS = 10.0
"""For one reduction or one comparison."""
REASON = "duplicate"


@dataclass(frozen=True)
class Duplicates(Stage):
    """Of those that are the same crystal, one stays.

    Attributes:
        stol, ltol, angle_tol: tolerances, those of StructureMatcher by default.
        lowest: the value of which the lowest stays, such as "chgnet.energy_per_atom"; "" for the first.
    """

    name = "duplicates"

    stol: float = 0.3
    ltol: float = 0.2
    angle_tol: float = 5.0
    lowest: str = ""

    def __post_init__(self) -> None:
        within(self, 0, 1, "stol ltol", error=RecipeError)
        within(self, 0, 90, "angle_tol", error=RecipeError)

    @property
    def reads(self) -> Sequence[str]:
        return (self.lowest,) if self.lowest else ()

    def party(self, candidate: Candidate) -> str:
        return formula_text(candidate.cell.formula)

    def judge(self, candidates: Sequence[Candidate], work: Work) -> Sequence[Verdict]:
        if len(candidates) == 1:
            return [Verdict.passed()]
        kept, verdicts = Kept(Matcher(self.stol, self.angle_tol, self.ltol)), {}
        for place in self._order(candidates):
            one = candidates[place]
            reduced, failure = try_match(partial(reduce_cell, one.cell), SECONDS)
            if reduced is None:
                verdicts[place] = Verdict.failed("timeout" if failure == "timed_out" else "degenerate cell")
                continue
            same = kept.like(reduced)
            if same is None:
                kept.add(reduced, one.id)
                verdicts[place] = Verdict.passed()
            else:
                verdicts[place] = Verdict.rejected(REASON, f"of {same}")
        return [verdicts[place] for place in range(len(candidates))]

    def _order(self, candidates: Sequence[Candidate]) -> list[int]:
        """Places of the candidates, those first that are to stay."""

        def value(place: int) -> float:
            found = candidates[place].values.get(self.lowest)
            return float(found) if isinstance(found, int | float) else np.inf

        return sorted(range(len(candidates)), key=value) if self.lowest else list(range(len(candidates)))


class Kept:
    """The crystals that stay so far, by the composition of their primitive cells."""

    def __init__(self, matcher: Matcher) -> None:
        self.matcher = matcher
        self.cells: dict[bytes, list[tuple[Reduced, str]]] = {}

    def add(self, cell: Reduced, name: str) -> None:
        self.cells.setdefault(cell.composition, []).append((cell, name))

    def like(self, cell: Reduced) -> str | None:
        """The name of the first that is the same crystal, if there is one."""
        others = self.cells.get(cell.composition, [])
        for place in self._possible(cell, [one for one, _ in others]):
            other, name = others[place]
            # `fit` is not quite symmetric: each pair is judged in one direction
            pair = sorted((cell, other), key=canonical_key)
            if try_match(partial(self.matcher.fits, *pair), SECONDS)[0]:
                return name
        return None

    def _possible(self, cell: Reduced, others: Sequence[Reduced]) -> np.ndarray:
        """Places of those whose lattices can match."""
        if not others:
            return np.zeros(0, dtype=int)
        theirs, ours = Shapes.of(others), Shapes.of([cell])
        ours = ours.at(np.zeros(len(others), dtype=int))
        return np.flatnonzero(self.matcher.may_match(ours, theirs) | self.matcher.may_match(theirs, ours))


STAGES = (Duplicates,)
