"""Energies without relaxation, and energies above a hull: `energy` of crystals as they are, `hull` of relaxed ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nucleate.energies.hull import Hull
from nucleate.energies.placing import above_hull
from nucleate.energies.potentials import potential_named
from nucleate.energies.single_points import single_points
from nucleate.errors import RecipeError
from nucleate.funnel.by_potential import ByPotential
from nucleate.funnel.hulls import MOST_ABOVE, SHIPPED, check_hull
from nucleate.funnel.relaxing import REASONS
from nucleate.funnel.stage import Candidate, Verdict
from nucleate.settings import within
from nucleate.work import Work

ABOVE = "above the hull"
UNKNOWN = {
    "missing_terminal": "no reference for an element",
    "no_reference_energy": "no reference energy",
    "unreliable_element": "unreliable element",
    "no_correction": "no correction to the scale of the hull",
}


@dataclass(frozen=True)
class AboveHull(ByPotential):
    """The energy above a hull, of an energy that an earlier stage found.

    Attributes:
        potential: whose energy, and for the hull of its own energies.
        most: eV/atom above the hull that a candidate may be.
        least: eV/atom; a candidate further below than this is not believed, and rejected.
        reference: "mp-20" or "mp-20-all" for the shipped crystals (see `funnel.hulls`), or the folder of a data set.
        hull: "" for the potential's own energies of the reference, "dft" for its formation energies, or a JSON file of
            pymatgen entries.
        near: eV/atom above the hull of the Materials Project, within which shipped crystals count.
    """

    name = "hull"
    batch = 64
    timeout = 300.0

    potential: str = "chgnet"
    most: float = 0.1
    least: float = -0.5
    reference: str = SHIPPED
    hull: str = ""
    near: float = 0.05

    def __post_init__(self) -> None:
        within(self, -MOST_ABOVE, MOST_ABOVE, "most least")
        within(self, 0, MOST_ABOVE, "near")
        if self.least > self.most:
            raise RecipeError(
                f"no energy is at least {self.least} and at most {self.most} eV/atom above a hull",
                "lower least, or raise most",
            )
        potential_named(self.potential)

    @property
    def reads(self) -> Sequence[str]:
        return (f"{self.potential}.energy_per_atom",)

    @property
    def writes(self) -> Sequence[str]:
        return (f"{self.potential}.e_above_hull", f"{self.potential}.decomposition")

    def check(self) -> None:
        check_hull(self.potential, self.reference, self.hull)

    def judge(self, candidates: Sequence[Candidate], work: Work) -> Sequence[Verdict]:
        if not candidates:
            return []
        hull = self.prepared(candidates, work)
        return [self._judge(one, hull) for one in candidates]

    def _judge(self, one: Candidate, hull: Hull) -> Verdict:
        energy = one.values[f"{self.potential}.energy_per_atom"]
        assert isinstance(energy, float)
        found = above_hull(one.cell, energy * len(one.cell.species), self.asked, hull)
        if found.energy is None:
            return Verdict.rejected(UNKNOWN.get(found.reason, found.reason), found.detail)
        phases = " + ".join(f"{share:.2f} {name}" for name, share in found.decomposition)
        values = {f"{self.potential}.e_above_hull": found.energy, f"{self.potential}.decomposition": phases}
        if found.energy > self.most:
            return Verdict.rejected(
                ABOVE, f"{found.energy:.3f} eV/atom, at most {self.most:g}", values=values
            )
        if found.energy < self.least:
            detail = f"{found.energy:.3f} eV/atom, at least {self.least:g}"
            return Verdict.rejected("too far below the hull", detail, values=values)
        return Verdict.passed(values=values)


@dataclass(frozen=True)
class Energy(ByPotential):
    """The energy of a crystal as it is; a first look that costs one evaluation.

    Attributes:
        potential: by name.
        most: eV/atom above the hull; 0 rejects none.
        reference, hull, near: as in the stage `hull`; only read where `most` is given.
    """

    name = "energy"
    batch = 64

    potential: str = "chgnet"
    most: float = 0.0
    reference: str = SHIPPED
    hull: str = ""
    near: float = 0.05

    def __post_init__(self) -> None:
        within(self, 0, MOST_ABOVE, "most near")
        potential_named(self.potential)

    @property
    def writes(self) -> Sequence[str]:
        return (f"{self.potential}.unrelaxed_energy_per_atom",)

    def check(self) -> None:
        self.asked.calculator()
        if self.most:
            check_hull(self.potential, self.reference, self.hull)

    def judge(self, candidates: Sequence[Candidate], work: Work) -> Sequence[Verdict]:
        if not candidates:
            return []
        points = single_points([one.cell for one in candidates], self.asked)
        hull = None
        if self.most:
            known = [one for one, point in zip(candidates, points, strict=True) if point.energy is not None]
            hull = self.prepared(known, work)
        return [
            self._judge(one, point.energy, point.reason, hull)
            for one, point in zip(candidates, points, strict=True)
        ]

    def _judge(self, one: Candidate, energy: float | None, reason: str, hull: Hull | None) -> Verdict:
        if energy is None:
            known = REASONS.get(reason)
            return Verdict.rejected(known) if known else Verdict.failed(reason.replace("_", " "))
        values = {f"{self.potential}.unrelaxed_energy_per_atom": energy / len(one.cell.species)}
        above = None
        if hull is not None:
            above = above_hull(one.cell, energy, self.asked, hull).energy
        if above is not None and above > self.most:
            detail = f"{above:.3f} eV/atom before relaxation, at most {self.most:g}"
            return Verdict.rejected("far above the hull", detail, values=values)
        return Verdict.passed(values=values)


STAGES = (Energy, AboveHull)
