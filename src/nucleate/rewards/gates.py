"""Gates: what makes a reward zero whatever the parts say, so that a model can't learn their mistakes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nucleate.cell import Cell
from nucleate.defects import Measure, Rule, Rules, defect, has_atoms, is_finite
from nucleate.errors import RecipeError
from nucleate.measures import atoms, closest_image, pair_distances, volume, volume_per_atom
from nucleate.metrics.usable import USABLE
from nucleate.metrics.validity_rules import MIN_VOLUME
from nucleate.sampling.targets import elements
from nucleate.settings import within


@dataclass(frozen=True)
class Gates:
    """Limits of single crystals, and shares of all that are drawn.

    Attributes:
        usable: atoms not inside one another, a volume that they can fill (`metrics.usable`).
        min_distance: smallest distance of two atoms, Å.
        volume_per_atom: smallest and largest, Å^3; () for any.
        atoms: smallest and largest number in the cell; () for any.
        without: symbols of elements that no crystal may hold.
        largest_systems: largest share that one chemical system may have among the rewarded draws; the best are kept.
        repeats: how many draws of one reduced formula are rewarded among those remembered; 0 for any number.
        memory: earlier draws that the last two look back to.
    """

    usable: bool = True
    min_distance: float = 0.0
    volume_per_atom: tuple[float, ...] = ()
    atoms: tuple[int, ...] = ()
    without: tuple[str, ...] = ()
    largest_systems: float = 1.0
    repeats: int = 0
    memory: int = 1000

    def __post_init__(self) -> None:
        within(self, 0, 10, "min_distance", "gates.")
        within(self, 1e-6, 1, "largest_systems", "gates.")
        within(self, 0, 10**6, "repeats memory", "gates.")
        for name in ("volume_per_atom", "atoms"):
            pair = getattr(self, name)
            if pair and (len(pair) != 2 or not 0 <= pair[0] <= pair[1]):
                raise RecipeError(
                    f"gates.{name} = {list(pair)} is no smallest and largest value",
                    f"write gates.{name} = [smallest, largest]",
                )
        if self.without:
            elements(self.without)

    @property
    def rules(self) -> Rules:
        """Those of single crystals."""
        checks = [has_atoms("no_atoms"), is_finite("not_finite"), Rule("flat", volume, least=MIN_VOLUME)]
        if self.usable:
            checks += USABLE.checks
        if self.atoms:
            checks.append(Rule("number_of_atoms", atoms, *self.atoms))
        if self.without:
            checks.append(Rule("element", _atoms_of(elements(self.without)), most=0))
        if self.volume_per_atom:
            checks.append(Rule("volume_per_atom", volume_per_atom, *self.volume_per_atom))
        if self.min_distance:
            checks.append(Rule("min_distance", closest, least=self.min_distance))
        return Rules(tuple(checks))

    def reason(self, cell: Cell | None) -> str:
        """Why a crystal gets no reward; "" where no gate stops it."""
        return defect(cell, self.rules) or ""


def closest(cell: Cell) -> float:
    """Smallest distance of two atoms, images included, Å."""
    return min(float(pair_distances(cell).min()), float(closest_image(cell)))


def _atoms_of(numbers: tuple[int, ...]) -> Measure:
    """A measure: the number of atoms of these elements."""
    return lambda cell: int(np.isin(cell.species, numbers).sum())
