"""Candidates moved to the nearest minimum of a potential, and given up as soon as they can't come near the hull.

Descents in free parameters (`energies.symmetric`) run side by side, so that the potential sees batches. The first
evaluation of each is its energy as it came, the cheapest there is. A candidate is given up where even `doubt` times
what its model still expects to gain leaves it more than `most` above the hull; not before `rounds` evaluations, as the
model is wrong far from a minimum.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from nucleate.cell import Cell
from nucleate.data.cells import niggli
from nucleate.defects import defect
from nucleate.energies.descent import Descent
from nucleate.energies.hull import Hull
from nucleate.energies.placing import above_hull
from nucleate.energies.potential import Potential
from nucleate.energies.potentials import potential_named
from nucleate.energies.relax import limits
from nucleate.energies.relaxed import Relaxed
from nucleate.energies.symmetric import DescentSettings, advance, begin, finished, relaxed_by
from nucleate.errors import StructureError
from nucleate.funnel.by_potential import ByPotential
from nucleate.funnel.hulls import MOST_ABOVE, SHIPPED, check_hull
from nucleate.funnel.stage import Candidate, Verdict
from nucleate.settings import within
from nucleate.work import Work

SIDE_BY_SIDE = 16
"""Descents under way at once: what the potential sees in one batch."""
REASONS = {
    "too_dense": "too dense", "too_thin": "too thin", "unknown_element": "element not known to the potential",
    "isolated_atom": "isolated atom", "diverged": "diverged", "not_finite": "not finite",
}  # fmt: skip
"""Why a crystal is none for the potential, in words: rejected. All else has failed."""
HOPELESS = "far above the hull"


@dataclass(frozen=True)
class Relax(ByPotential):
    """Relaxation in free parameters.

    Attributes:
        potential: by name, as `nucleate relax --potential` knows it.
        fmax: largest force on an atom or on the cell at which a crystal counts as relaxed, eV/Å.
        evaluations: of the potential, after which it has failed to converge.
        symprec: the space group found within so many Å is kept; 0 frees every atom.
        most: eV/atom above the hull, beyond which a candidate is given up; 0 for never.
        doubt: how many times the gain that its model expects a candidate is granted.
        rounds: evaluations before it may be given up.
        reference, hull, near: as in the stage `hull`; only read where `most` is given.
    """

    name = "relax"
    batch = 64
    timeout = 120.0

    potential: str = "chgnet"
    fmax: float = 0.05
    evaluations: int = 60
    symprec: float = 0.01
    most: float = 0.0
    doubt: float = 3.0
    rounds: int = 2
    reference: str = SHIPPED
    hull: str = ""
    near: float = 0.05

    def __post_init__(self) -> None:
        within(self, 1e-4, 10, "fmax")
        within(self, 1, 10**6, "evaluations")
        within(self, 0, 5, "symprec")
        within(self, 0, MOST_ABOVE, "most near")
        within(self, 1, 1e6, "doubt")
        within(self, 1, 10**6, "rounds")
        potential_named(self.potential)

    @property
    def writes(self) -> Sequence[str]:
        names = ("energy_per_atom", "initial_energy_per_atom", "fmax", "evaluations", "volume_change")
        return tuple(f"{self.potential}.{name}" for name in names)

    def check(self) -> None:
        self.asked.calculator()
        if self.most:
            check_hull(self.potential, self.reference, self.hull)

    def judge(self, candidates: Sequence[Candidate], work: Work) -> Sequence[Verdict]:
        hull = None
        if self.most and candidates:
            hull = self.prepared(candidates, work)
        return _Relaxing(self, candidates, self.asked, hull).run()

    @property
    def descent(self) -> DescentSettings:
        """How each is relaxed; time is the run's."""
        return DescentSettings(self.fmax, self.evaluations, self.symprec or None, timeout=None)


class _Relaxing:
    """A batch under way."""

    def __init__(
        self, stage: Relax, candidates: Sequence[Candidate], potential: Potential, hull: Hull | None
    ) -> None:
        self.stage, self.potential, self.hull = stage, potential, hull
        self.candidates, self.settings = candidates, stage.descent
        self.verdicts: dict[int, Verdict] = {}
        self.flying: dict[int, Descent] = {}

    def run(self) -> list[Verdict]:
        rules, waiting = limits(self.potential), deque[int]()
        for place, one in enumerate(self.candidates):
            reason = defect(one.cell, rules)
            if reason is None:
                waiting.append(place)
            else:
                self.verdicts[place] = _lost(Relaxed(reason=reason))
        while waiting or self.flying:
            while waiting and len(self.flying) < SIDE_BY_SIDE:
                place = waiting.popleft()
                self.flying[place] = begin(self.candidates[place].cell, self.settings)
            self._round()
        return [self.verdicts[place] for place in range(len(self.candidates))]

    def _round(self) -> None:
        """One evaluation of each that is under way; those that are done leave."""
        places = list(self.flying)
        for place, lost in zip(places, advance(list(self.flying.values()), self.potential), strict=True):
            descent = self.flying[place]
            if lost is not None:
                self.verdicts[place] = _lost(lost)
            elif finished(descent, self.settings):
                self.verdicts[place] = self._done(place, relaxed_by(descent, self.settings))
            elif (above := self._hopeless(place, descent)) is not None:
                granted = f"at least {above:.3f} eV/atom, limit {self.stage.most:g}"
                detail = f"{granted}, after {descent.evaluations} evaluations"
                self.verdicts[place] = Verdict.rejected(HOPELESS, detail)
            if place in self.verdicts:
                del self.flying[place]

    def _hopeless(self, place: int, descent: Descent) -> float | None:
        """How far above the hull a candidate stays even if it gains all that it is granted, where that is too far."""
        if self.hull is None or descent.energy is None or descent.evaluations < self.stage.rounds:
            return None
        lowest = descent.energy - self.stage.doubt * descent.gain
        above = above_hull(self.candidates[place].cell, lowest, self.potential, self.hull).energy
        return above if above is not None and above > self.stage.most else None

    def _done(self, place: int, one: Relaxed) -> Verdict:
        cell = one.cell
        if not one.converged or cell is None or one.energy is None or one.initial_energy is None:
            force = (
                "" if one.fmax is None else f"largest force {one.fmax:.3f} eV/Å after {one.steps} evaluations"
            )
            return Verdict.failed("not converged", force)
        atoms, name = len(cell.species), self.stage.potential
        values = {
            "energy_per_atom": one.energy / atoms, "initial_energy_per_atom": one.initial_energy / atoms,
            "fmax": one.fmax, "evaluations": one.steps,
            "volume_change": cell.volume / self.candidates[place].cell.volume - 1,
        }  # fmt: skip
        return Verdict.passed(
            _compact(cell), values={f"{name}.{key}": value for key, value in values.items()}
        )


def _lost(one: Relaxed) -> Verdict:
    if one.reason in REASONS:
        return Verdict.rejected(REASONS[one.reason], one.detail)
    return Verdict.failed(one.reason.replace("_", " "), one.detail)


def _compact(cell: Cell) -> Cell:
    """The Niggli-reduced cell: the setting in which crystals relax may be a needle, which no calculation wants."""
    try:
        return niggli(cell)
    except StructureError:
        return cell


STAGES = (Relax,)
