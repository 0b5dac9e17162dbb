"""Energy above the hull as a part of a reward: each crystal is relaxed in a potential and placed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from nucleate.cell import Cell
from nucleate.data.dataset import Dataset
from nucleate.energies.hull_choice import HullChoice
from nucleate.energies.placing import place, same_scale
from nucleate.energies.potentials import potential_named
from nucleate.energies.relax import RelaxSettings
from nucleate.errors import RecipeError
from nucleate.rewards.part import Measure, Part
from nucleate.rewards.shapes import Numbers
from nucleate.settings import within
from nucleate.work import Work

FAR_BELOW = -0.5
"""eV/atom: nothing lies so far below all known phases; such an energy is a failure of the potential."""


@dataclass(frozen=True)
class AboveHull(Part):
    """Energy above the hull after relaxation, eV/atom.

    Attributes:
        potential: by its name, such as `chgnet`.
        reference: data set folder whose crystals make the hull.
        hull: "" for that of the potential's own energies; see `nucleate evaluate dng --hull`.
        max_steps: of a relaxation.
        fmax: largest force at its end, eV/Å.
        cache: file that keeps the energies of references; "" keeps none.
    """

    kind: ClassVar[str] = "energy-above-hull"
    potential: str = "chgnet"
    reference: str = ""
    hull: str = ""
    max_steps: int = 100
    fmax: float = 0.1
    cache: str = ""

    def opened(self, where: str) -> Measure:
        within(self, 1, 10**5, "max_steps", where)
        within(self, 1e-4, 100.0, "fmax", where)
        potential, choice = potential_named(self.potential), HullChoice.read(self.hull, self.potential)
        if not self.reference and not choice.complete:
            raise RecipeError(
                f"{where}reference names no data set, of which the hull is made",
                f'write {where}reference = "data/mp_20"',
            )
        reference = Dataset.open(Path(self.reference)) if self.reference else None
        work = Work().kept_in(Path(self.cache) if self.cache else None)
        hull = choice.open(potential, reference, work)
        same_scale(potential, hull)
        settings = RelaxSettings(fmax=self.fmax, max_steps=self.max_steps)

        def measure(cells: Sequence[Cell]) -> Numbers:
            placed = place(cells, potential, hull, settings, work) if cells else []
            each = [np.nan if one.above.energy is None else one.above.energy for one in placed]
            found = np.array(each, dtype=float)
            return np.where(found < FAR_BELOW, np.nan, found)

        return measure
