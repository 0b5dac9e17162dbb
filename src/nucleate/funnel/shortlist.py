"""The few that go on: Pareto front by Pareto front, and of the front that does not fit whole those farthest apart.

A candidate is dominated where another one is at least as good in all objectives and better in one; those that nothing
dominates are the first front, those that are left without it the second (non-dominated sorting: Deb et al., IEEE Trans.
Evol. Comput. 6, 182, 2002). Farthest points (Gonzalez, Theor. Comput. Sci. 38, 293, 1985): always the one whose nearest
chosen neighbour is farthest. Distance is half the sum of differences of the atomic fractions, from 0 to 1, plus the
largest difference of the average minimum distances (`metrics.amd`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nucleate.energies.convex_hull import fractions_of
from nucleate.errors import RecipeError
from nucleate.funnel.stage import Candidate, Stage, Verdict
from nucleate.metrics.amd import average_minimum_distances
from nucleate.settings import within
from nucleate.work import Work

NEIGHBOURS = 32
WAYS = {"min": 1.0, "max": -1.0}


@dataclass(frozen=True)
class Shortlist(Stage):
    """The few that go on.

    Attributes:
        n: how many.
        objectives: "min VALUE" or "max VALUE", such as "min chgnet.e_above_hull"; empty for diversity alone.
        diverse: whether those of the last front are chosen to be far apart; otherwise the best by the first objective.
    """

    name = "shortlist"
    timeout = None

    n: int = 10
    objectives: tuple[str, ...] = ()
    diverse: bool = True

    def __post_init__(self) -> None:
        within(self, 1, 100_000, "n")
        for one in self.objectives:
            way, _, value = one.partition(" ")
            if way not in WAYS or not value or " " in value:
                raise RecipeError(f"'{one}' is no objective", "write for example min chgnet.e_above_hull")
        values = [one.partition(" ")[2] for one in self.objectives]
        if twice := sorted({value for value in values if values.count(value) > 1}):
            raise RecipeError(f"{twice[0]} is an objective twice", "name each value once")

    @property
    def reads(self) -> Sequence[str]:
        return tuple(one.partition(" ")[2] for one in self.objectives)

    @property
    def writes(self) -> Sequence[str]:
        return ("shortlist.front", "shortlist.place")

    def party(self, candidate: Candidate) -> str:
        return "all"

    def judge(self, candidates: Sequence[Candidate], work: Work) -> Sequence[Verdict]:
        if not candidates:
            return []
        costs = self._costs(candidates)
        finite = np.array([one.cell.finite for one in candidates])
        known: np.ndarray = np.logical_and(np.isfinite(costs).all(1), finite)
        front: np.ndarray = np.zeros(len(candidates), dtype=int)
        front[known] = fronts(costs[known])
        chosen = self._chosen(candidates, costs, front)
        verdicts = []
        for place in range(len(candidates)):
            if not known[place]:
                verdicts.append(Verdict.rejected("an objective or the cell is not known"))
                continue
            values: dict[str, int] = {"shortlist.front": int(front[place])}
            if place in chosen:
                values["shortlist.place"] = chosen.index(place) + 1
                verdicts.append(Verdict.passed(values=values))
            else:
                last = max(int(front[one]) for one in chosen)
                reason = (
                    "like one that is chosen"
                    if front[place] == last and self.diverse
                    else "others are better"
                )
                verdicts.append(Verdict.rejected(reason, f"front {front[place]}", values=values))
        return verdicts

    def _costs(self, candidates: Sequence[Candidate]) -> np.ndarray:
        """What is to be small, infinite where it is not known. [candidates, objectives]"""
        costs = np.zeros((len(candidates), len(self.objectives)))
        for column, one in enumerate(self.objectives):
            way, _, name = one.partition(" ")
            for row, candidate in enumerate(candidates):
                value = candidate.values.get(name)
                known = isinstance(value, int | float)
                costs[row, column] = WAYS[way] * float(value) if known else np.inf  # type: ignore[arg-type]
        return costs

    def _chosen(self, candidates: Sequence[Candidate], costs: np.ndarray, front: np.ndarray) -> list[int]:
        """Places of those that go on, in the order in which they were chosen."""
        chosen: list[int] = []
        for number in range(1, int(front.max()) + 1):
            rows = np.flatnonzero(front == number)
            order = rows[np.lexsort(costs[rows].T[::-1])] if self.objectives else rows
            left = self.n - len(chosen)
            if len(order) <= left or not self.diverse:
                chosen += order[:left].tolist()
            else:
                chosen = _farthest(candidates, chosen, order.tolist(), self.n)
            if len(chosen) >= self.n:
                break
        return chosen


def fronts(costs: np.ndarray) -> np.ndarray:
    """The front of each row, from 1, where all columns are to be small. [rows, columns] to [rows]"""
    front, number = np.zeros(len(costs), dtype=int), 0
    while (front == 0).any():
        number += 1
        rows = np.flatnonzero(front == 0)
        left = costs[rows]
        beaten = np.array([((left <= one).all(1) & (left < one).any(1)).any() for one in left])
        front[rows[~beaten]] = number
    return front


def _farthest(
    candidates: Sequence[Candidate], chosen: Sequence[int], order: Sequence[int], n: int
) -> list[int]:
    """The chosen, and of the others, best first, those farthest from them and each other."""
    shape = {place: _shape(candidates[place]) for place in (*chosen, *order)}
    out = list(chosen) or [order[0]]
    gap = {
        place: min(_distance(shape[place], shape[one]) for one in out) for place in order if place not in out
    }
    while len(out) < n and gap:
        # the first of those that are equally far: the best
        best = max(gap, key=gap.__getitem__)
        del gap[best]
        out.append(best)
        gap = {place: min(old, _distance(shape[place], shape[best])) for place, old in gap.items()}
    return out


def _shape(one: Candidate) -> tuple[np.ndarray, np.ndarray]:
    return fractions_of(one.cell.species), average_minimum_distances(
        one.cell.frac, one.cell.lattice, NEIGHBOURS
    )


def _distance(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> float:
    return float(np.abs(one[0] - other[0]).sum() / 2 + np.abs(one[1] - other[1]).max())


STAGES = (Shortlist,)
