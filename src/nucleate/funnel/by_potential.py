"""Stages that ask an interatomic potential: what all of them have in common."""

from __future__ import annotations

from collections.abc import Sequence

from nucleate.energies.hull import Hull
from nucleate.energies.potential import Potential
from nucleate.energies.potentials import potential_named
from nucleate.funnel.hulls import open_hull
from nucleate.funnel.stage import Candidate, Stage
from nucleate.work import Work


class ByPotential(Stage):
    """A stage with a potential, and a hull to place candidates against.

    Attributes:
        potential: by name, as `nucleate relax --potential` knows it.
        reference, hull, near: as in the stage `hull`.
    """

    potential: str
    reference: str
    hull: str
    near: float

    @property
    def label(self) -> str:
        return self.name if self.potential == "chgnet" else f"{self.name} ({self.potential})"

    @property
    def identity(self) -> str:
        return f"{super().identity} {self.asked.identity}"

    @property
    def asked(self) -> Potential:
        """The potential itself."""
        return potential_named(self.potential)

    def prepared(self, candidates: Sequence[Candidate], work: Work) -> Hull:
        """The hull, ready for the elements of these candidates."""
        hull = open_hull(self.potential, self.reference, self.hull, self.near, work.cache)
        hull.prepare([one.cell.species for one in candidates], Work(cache=work.cache))
        return hull
