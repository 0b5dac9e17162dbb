"""Candidates that can't be crystals, or not those that are looked for: geometry, elements, charge.

The rules of geometry are those of `nucleate.metrics.usable`; charge is SMACT's rule (Davies et al., J. Open Source
Softw. 4, 1361, 2019): some combination of oxidation states is neutral and passes the Pauling test. It is a heuristic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nucleate.defects import defect
from nucleate.elements import MAX_ATOMIC_NUMBER, SYMBOLS
from nucleate.errors import RecipeError
from nucleate.funnel.stage import Candidate, Stage, Verdict
from nucleate.measures import volume_per_atom
from nucleate.metrics.usable import CLOSEST, USABLE, closest_atoms, closest_own_image
from nucleate.metrics.validity_rules import smact_valid
from nucleate.work import Work

MOST_ATOMS = 10_000
REASONS = {
    "not_finite": "not finite",
    "flat": "flat cell",
    "too_dense": "too dense",
    "too_thin": "too thin",
    "atoms_too_close": "atoms too close",
}
"""Of the rules of geometry, in words."""


@dataclass(frozen=True)
class Sanitise(Stage):
    """Geometry, elements and charge.

    Attributes:
        closest: smallest distance of two atoms, in units of the sum of their covalent radii.
        atoms: the largest number of atoms in the cell.
        only: symbols of the elements that there may be; empty for any.
        without: symbols of elements that there may not be.
        needs: symbols of elements that there have to be.
        kinds: the least and the largest number of different elements; empty for any.
        charge: whether the composition has to pass SMACT's rule.
    """

    name = "sanitise"
    batch = 256

    closest: float = CLOSEST
    atoms: int = 100
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    kinds: tuple[int, ...] = ()
    charge: bool = True

    def __post_init__(self) -> None:
        if not CLOSEST / 2 <= self.closest <= 2:
            raise RecipeError(
                f"closest = {self.closest} is no distance of atoms", "0.6 is usual; give 0.3 to 2"
            )
        if not 1 <= self.atoms <= MOST_ATOMS:
            raise RecipeError(f"atoms = {self.atoms} is out of range", f"give 1 to {MOST_ATOMS}")
        self._check_elements()
        if self.kinds and not (
            len(self.kinds) == 2 and 1 <= self.kinds[0] <= self.kinds[1] <= MAX_ATOMIC_NUMBER
        ):
            raise RecipeError(
                f"kinds = {list(self.kinds)} is no range", "give two numbers, such as kinds = [2, 4]"
            )
        if self.kinds and len(set(self.needs)) > self.kinds[1]:
            raise RecipeError(
                f"{len(set(self.needs))} elements are needed and at most {self.kinds[1]} are allowed",
                "widen kinds, or need fewer",
            )

    def _check_elements(self) -> None:
        for symbol in (*self.only, *self.without, *self.needs):
            if symbol not in SYMBOLS[1:]:
                raise RecipeError(f"no element is called '{symbol}'", "write symbols, such as Li or O")
        both = [
            symbol
            for symbol in self.needs
            if symbol in self.without or (self.only and symbol not in self.only)
        ]
        if both:
            raise RecipeError(
                f"{', '.join(both)} has to be there and is not allowed", "change needs, only or without"
            )

    def check(self) -> None:
        if self.charge:
            smact_valid(((3, 1), (9, 1)))

    def judge(self, candidates: Sequence[Candidate], work: Work) -> Sequence[Verdict]:
        return [self._judge(one) for one in candidates]

    def _judge(self, one: Candidate) -> Verdict:
        cell = one.cell
        if reason := self._elements(set(cell.species.tolist())):
            return reason
        if len(cell.species) > self.atoms:
            return Verdict.rejected("too many atoms", f"{len(cell.species)} atoms, at most {self.atoms}")
        if broken := defect(cell, USABLE):
            return Verdict.rejected(REASONS.get(broken, broken), self._geometry(one, broken))
        gap = self._gap(one)
        if gap < self.closest:
            return Verdict.rejected(
                "atoms too close", f"{gap:.2f} of the sum of radii, least {self.closest:g}"
            )
        if self.charge and not smact_valid(cell.formula):
            return Verdict.rejected("charge", "no neutral combination of oxidation states (SMACT)")
        return Verdict.passed()

    def _elements(self, found: set[int]) -> Verdict | None:
        """Why the elements are not those that are looked for."""
        if strange := sorted(z for z in found if not 1 <= z <= MAX_ATOMIC_NUMBER):
            return Verdict.rejected("unknown element", f"atomic number {strange[0]}")
        named = {SYMBOLS[z] for z in found}
        wrong = sorted(named & set(self.without) | (named - set(self.only) if self.only else set()))
        if wrong:
            return Verdict.rejected("element not allowed", ", ".join(wrong))
        if missing := sorted(set(self.needs) - named):
            return Verdict.rejected("element missing", ", ".join(missing))
        if self.kinds and not self.kinds[0] <= len(named) <= self.kinds[1]:
            return Verdict.rejected(
                "number of elements", f"{len(named)}, asked for {self.kinds[0]} to {self.kinds[1]}"
            )
        return None

    def _gap(self, one: Candidate) -> float:
        """Smallest distance of atoms, images included, in units of the sum of their radii."""
        if self.closest <= CLOSEST:
            return np.inf
        return min(closest_atoms(one.cell), closest_own_image(one.cell))

    def _geometry(self, one: Candidate, broken: str) -> str:
        if broken == "atoms_too_close":
            gap = min(closest_atoms(one.cell), closest_own_image(one.cell))
            return f"{gap:.2f} of the sum of radii, least {self.closest:g}"
        if broken in ("too_dense", "too_thin"):
            return f"{volume_per_atom(one.cell):.1f} Å³ for each atom"
        return ""


STAGES = (Sanitise,)
