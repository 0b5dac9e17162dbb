"""The phase diagram of a chemical system, from the formation energies in a listing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from nucleate.elements import ATOMIC_NUMBERS, SYMBOLS
from nucleate.energies.convex_hull import fractions_of, hull_at
from nucleate.errors import DataError
from nucleate.web.distributions import numbers
from nucleate.web.listing import Listing, place_in_formula

ENERGIES = ("formation_energy_per_atom", "heat_all")
"""Columns with energies of formation, eV/atom; elements stand at 0."""
LARGEST = 4
MOST = 1500
"""Phases of one diagram, the lowest of each composition first."""
STABLE = 1e-4
OFFERED = 60
"""Systems that a page proposes."""
FROM_LISTING = (
    "The hull is that of these crystals and the elements at 0 eV, by the energies of formation in the table."
)


def energy_column(listing: Listing) -> str:
    """The column with energies of formation, "" where there is none."""
    names = {column.name for column in listing.columns}
    return next((name for name in ENERGIES if name in names), "")


def elements_of(system: str) -> list[int]:
    """Atomic numbers of a system such as Sr-Ti-O. Raises DataError for one that can't be drawn."""
    elements = [ATOMIC_NUMBERS.get(part.strip(), 0) for part in system.split("-")]
    if not 2 <= len(set(elements)) == len(elements) <= LARGEST or 0 in elements:
        raise DataError(f"'{system[:30]}' is no system of two to four elements", "write for example Sr-Ti-O")
    return elements


def phase_diagram(listing: Listing, system: str) -> dict[str, Any]:
    """Phases of a system with their heights above its hull.

    Args:
        system: two to four symbols, such as Sr-Ti-O; the hull is that of the listing and the elements at 0 eV.

    Raises DataError for another system, or a listing without energies of formation.
    """
    elements = elements_of(system)
    column = energy_column(listing)
    if not column:
        raise DataError(
            "these crystals have no energies of formation", f"a column is needed: {' or '.join(ENERGIES)}"
        )
    energies = numbers(listing, column)
    others = np.ones(listing.holds.shape[1], dtype=bool)
    others[elements] = False
    rows = np.flatnonzero(~listing.holds[:, others].any(1) & listing.holds.any(1) & np.isfinite(energies))
    rows = rows[np.argsort(energies[rows], kind="stable")][:MOST]
    fractions = np.array([_fractions(listing, int(row), elements) for row in rows]).reshape(-1, len(elements))
    hull = Hull.of(
        np.concatenate([fractions, np.eye(len(elements))]), np.append(energies[rows], [0.0] * len(elements))
    )
    names, formulas = listing.values("name"), listing.values("formula")
    phases = [
        Phase(
            names[row].as_py(), formulas[row].as_py(), composition, float(energies[row]),
            max(float(energies[row]) - hull.at(composition), 0.0), row,
        )
        for row, composition in zip(rows.tolist(), fractions, strict=True)
    ]  # fmt: skip
    return diagram(elements, phases, hull, FROM_LISTING)


@dataclass(frozen=True)
class Phase:
    """One point of a diagram.

    Attributes:
        name, formula: for people.
        fractions: atomic fractions. [elements]
        energy: of formation, eV/atom.
        above: eV/atom above the hull.
        row: of the listing; None where it stands in none.
        kind: known phases make the hull, candidates are placed against it, and some of them were rejected.
    """

    name: str
    formula: str
    fractions: np.ndarray
    energy: float
    above: float
    row: int | None = None
    kind: Literal["known", "candidate", "rejected"] = "known"


def diagram(elements: list[int], phases: Sequence[Phase], hull: Hull, note: str) -> dict[str, Any]:
    """A diagram for JSON."""
    return {
        "elements": [SYMBOLS[number] for number in elements],
        "phases": [
            {
                "row": one.row,
                "name": one.name,
                "formula": one.formula,
                "fractions": np.round(one.fractions, 6).tolist(),
                "energy": one.energy,
                "above": one.above,
                "stable": one.above < STABLE,
                "kind": one.kind,
            }
            for one in phases
        ],
        "lines": hull.lines(),
        "note": note,
    }


def systems(holds: np.ndarray) -> list[dict[str, Any]]:
    """Systems that can be drawn and how many crystals are of all their elements, those with most first.

    holds: as of `Listing`.
    """
    drawn = holds[(holds.sum(1) >= 2) & (holds.sum(1) <= LARGEST)]
    found, counts = np.unique(np.packbits(drawn, axis=1), axis=0, return_counts=True)
    sets = np.unpackbits(found, axis=1)[:, : holds.shape[1]]
    return [
        {"system": "-".join(in_order(np.flatnonzero(sets[place]).tolist())), "count": int(counts[place])}
        for place in np.argsort(-counts, kind="stable")[:OFFERED].tolist()
    ]


def in_order(elements: Sequence[int]) -> list[str]:
    """Symbols in the order of formulas."""
    return [SYMBOLS[number] for number in sorted(elements, key=place_in_formula)]


def _fractions(listing: Listing, row: int, elements: list[int]) -> np.ndarray:
    cell = listing.cell(row)
    assert cell is not None
    return fractions_of(cell.species)[elements]


@dataclass(frozen=True)
class Hull:
    """The lowest phase at each composition, and the hull there.

    Attributes:
        points: atomic fractions. [compositions, elements]
        lowest: energy of the lowest phase, eV/atom. [compositions]
        hull: energy of the hull, eV/atom. [compositions]
    """

    points: np.ndarray
    lowest: np.ndarray
    hull: np.ndarray

    @classmethod
    def of(cls, fractions: np.ndarray, energies: np.ndarray) -> Hull:
        """From all phases, those of the elements included."""
        points, which = np.unique(np.round(fractions, 12), axis=0, return_inverse=True)
        lowest = np.full(len(points), np.inf)
        np.minimum.at(lowest, which.reshape(-1), energies)
        hull = []
        for point, own in zip(points, lowest, strict=True):
            # only phases of these elements can be parts of a mixture
            inside = ~points[:, point == 0].any(1)
            found = hull_at(point, points[inside], lowest[inside])
            hull.append(own if found is None else found.energy)
        return cls(points, lowest, np.array(hull))

    def at(self, composition: np.ndarray) -> float:
        """At the composition of one of the phases, eV/atom."""
        return float(self.hull[np.abs(self.points - composition).sum(1).argmin()])

    def energy(self, composition: np.ndarray) -> float:
        """At any composition, eV/atom; 0 where no mixture has it."""
        found = hull_at(composition, self.points, self.lowest)
        return 0.0 if found is None else found.energy

    def lines(self) -> list[list[list[float]]]:
        """Tie lines: pairs of compositions with their energies, of two or three elements."""
        stable = self.lowest - self.hull < STABLE
        points, heights = self.points[stable], self.lowest[stable]
        if points.shape[1] == 2:
            order = np.argsort(points[:, 1]).tolist()
            ends = list(pairwise(order))
        else:
            ends = _edges(points, heights) if points.shape[1] == 3 else []
        corners = np.column_stack([points, heights]).tolist()
        return [[corners[i], corners[j]] for i, j in ends]


def _edges(points: np.ndarray, heights: np.ndarray) -> list[tuple[int, int]]:
    """Edges of the lower hull over a triangle of compositions."""
    from scipy.spatial import ConvexHull, QhullError

    try:
        # a point far above makes the hull of flat sets a solid
        top = np.array([[1 / 3, 1 / 3, max(1.0, float(heights.max()) + 1.0)]])
        hull = ConvexHull(np.concatenate([np.column_stack([points[:, 1:], heights]), top]))
    except QhullError:
        return []
    last = len(points)
    faces = [face for face in hull.simplices if last not in face]
    return sorted({(int(min(a, b)), int(max(a, b))) for face in faces for a in face for b in face if a != b})
