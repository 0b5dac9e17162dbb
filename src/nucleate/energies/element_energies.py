"""Energies of the elements fitted to a potential, which turn its energies into formation energies.

The potential's energy of a reference structure, less its known formation energy, is a sum over its atoms of one
energy for each element. Fitted over many structures the errors of single ones average out, and no energy of a
molecule or of a magnetic metal is needed, where potentials are worst. The fit takes least absolute deviations
(iteratively reweighted least squares), as a few structures are wrong by electronvolts. An element whose
structures don't agree on one energy is left out and listed as unreliable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.elements import SYMBOLS
from nucleate.energies.corrections import mp2020_correction
from nucleate.energies.potential import Potential
from nucleate.energies.references import FORMATION_COLUMN, ReferenceStructures
from nucleate.energies.single_points import single_points
from nucleate.errors import DataError
from nucleate.work import Work

FLOOR = 0.01
"""eV/atom; smaller residuals get the same weight."""
ITERATIONS = 50


@dataclass(frozen=True)
class ElementEnergies:
    """Fitted energies of the elements.

    Attributes:
        energies: eV/atom by atomic number, of the elements that can be trusted.
        unreliable: mean absolute residual of the structures with an element that was left out, eV/atom.
        residual: mean absolute residual over all structures without unreliable elements, eV/atom.
        structures: how many were fitted.
    """

    energies: dict[int, float]
    unreliable: dict[int, float]
    residual: float
    structures: int

    def of(self, fractions: np.ndarray) -> float:
        """Mean energy of the elements of a composition, eV/atom."""
        return float(sum(fractions[z] * self.energies[z] for z in np.flatnonzero(fractions).tolist()))

    def to_dict(self) -> dict[str, Any]:
        return {
            "structures": self.structures,
            "mean_absolute_residual": self.residual,
            "unreliable": {SYMBOLS[z]: value for z, value in self.unreliable.items()},
        }

    @classmethod
    def fit(
        cls, fractions: np.ndarray, differences: np.ndarray, tolerance: float = 0.15, least: int = 3
    ) -> ElementEnergies:
        """Fit to structures.

        Args:
            fractions: atomic fractions by atomic number. [structures, elements]
            differences: the potential's energy less the formation energy, eV/atom. [structures]
            tolerance: mean absolute residual at which an element is left out, eV/atom.
            least: the minimum number of structures for an element.

        Raises DataError for no structures.
        """
        if not len(differences):
            raise DataError(
                "no structure has an energy to fit energies of the elements to",
                "give a reference with energies",
            )
        kept = np.ones(len(differences), dtype=bool)
        unreliable: dict[int, float] = {}
        while True:
            energies = least_absolute(fractions[kept], differences[kept])
            residual = np.abs(differences - fractions @ energies)
            present = np.flatnonzero((fractions[kept] > 0).any(0)).tolist()
            errors = {z: float(residual[kept & (fractions[:, z] > 0)].mean()) for z in present}
            rare = {z: errors[z] for z in present if (fractions[kept, z] > 0).sum() < least}
            worst = max(errors, key=errors.__getitem__, default=None)
            # one at a time: a bad element spoils the residuals of the elements it is found with
            bad = rare or ({worst: errors[worst]} if worst is not None and errors[worst] > tolerance else {})
            if not bad:
                break
            unreliable |= bad
            kept &= ~(fractions[:, list(bad)] > 0).any(1)
            if not kept.any():
                raise DataError(
                    "no element has the same energy throughout this reference", "check its formation energies"
                )
        chosen = {z: float(energies[z]) for z in present}
        return cls(chosen, unreliable, float(residual[kept].mean()), int(kept.sum()))


def least_absolute(fractions: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The energies with the smallest sum of absolute residuals; 0 for absent elements."""
    weights = np.ones(len(values))
    energies = np.zeros(fractions.shape[1])
    for _ in range(ITERATIONS):
        root = np.sqrt(weights)
        energies = np.linalg.lstsq(fractions * root[:, None], values * root, rcond=None)[0]
        weights = 1 / np.maximum(np.abs(values - fractions @ energies), FLOOR)
    return energies


def fit_elements(
    structures: ReferenceStructures,
    potential: Potential,
    per_element: int = 30,
    work: Work = Work(),
) -> ElementEnergies:
    """Energies of all elements of a data set with formation energies, from a part of its structures.

    Args:
        structures: of a data set with the column formation_energy_per_atom.
        potential: whose energies are to become formation energies.
        per_element: structures for each element, evenly spaced over the data set; 89 elements of MP-20 need
            about 2,000 single points.

    Raises DataError without formation energies.
    """
    formation = structures.column(FORMATION_COLUMN)
    if formation is None:
        raise DataError(
            f"the reference has no column {FORMATION_COLUMN} to fit energies of the elements to",
            "import it with that column, or take the hull of the potential's own energies",
        )
    rows = spread(structures.phases.fractions, np.isfinite(formation), per_element)
    cells = [structures.cell(i) for i in rows]
    points = single_points(cells, potential, work)
    totals = [_on_mp_scale(cell, point.energy, potential) for cell, point in zip(cells, points, strict=True)]
    good = [k for k, total in enumerate(totals) if total is not None]
    fractions = structures.phases.fractions[rows][good]
    per_atom = np.array([(totals[k] or 0.0) / len(cells[k].species) for k in good])
    return ElementEnergies.fit(fractions, per_atom - formation[rows][good])


def _on_mp_scale(cell: Cell, energy: float | None, potential: Potential) -> float | None:
    """A total energy with the corrections of the Materials Project, if the potential was fitted to raw ones, eV."""
    if energy is None or not potential.mp_raw:
        return energy
    correction = mp2020_correction(cell)
    return None if correction is None else energy + correction


def spread(fractions: np.ndarray, usable: np.ndarray, per_element: int) -> Sequence[int]:
    """Rows that hold every element often enough: evenly spaced over the rows of each element."""
    chosen: set[int] = set()
    for z in np.flatnonzero((fractions > 0).any(0)):
        rows = np.flatnonzero((fractions[:, z] > 0) & usable)
        chosen.update(rows[np.linspace(0, len(rows) - 1, min(per_element, len(rows))).astype(int)].tolist())
    return sorted(chosen)
