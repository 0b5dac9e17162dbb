"""The phase diagram of candidates: known phases with energies of the same potential, and the candidates among them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.elements import SYMBOLS
from nucleate.energies.convex_hull import fractions_of
from nucleate.errors import DataError
from nucleate.funnel.hulls import SHIPPED, name_of
from nucleate.web.candidates import Placeable, candidates_of, in_system
from nucleate.web.known_phases import HullOf, KnownPhases, known_phases
from nucleate.web.library import Entry, inside
from nucleate.web.listing import Listing
from nucleate.web.phases import MOST, Hull, Phase, diagram, elements_of, systems

LARGEST = 400
"""Atoms of a formula."""
EXACT = 1e-3
OTHER = 0.005
"""eV/atom; larger differences between a ledger and today's hull are told."""
OTHERWISE = (
    " The candidates were judged against another hull, of other phases: their distances are those of then."
)
ARBITRARY = (
    "so that energies of formation are counted from an arbitrary zero; distances from the hull are not."
)


def placed_diagram(entry: Entry, listing: Listing, system: str, roots: tuple[Path, ...]) -> dict[str, Any]:
    """Known phases of a system and the candidates of an entry, for JSON.

    Raises NucleateError for a system that can't be drawn, and where there are no energies or no hull.
    """
    elements = elements_of(system)
    hull, everything = candidates_of(entry, listing)
    check_inside(hull, roots)
    found = sorted(in_system(everything, elements), key=lambda one: one.energy)[:MOST]
    known = known_phases(hull, elements, [one.cell for one in found], [one.energy for one in found])
    return _diagram(elements, found, known, _note(hull))


def placed_systems(entry: Entry, listing: Listing) -> list[dict[str, Any]]:
    """Systems of the candidates of an entry. Raises DataError where they have no energies."""
    _, found = candidates_of(entry, listing)
    return systems(np.stack([fractions_of(one.cell.species) > 0 for one in found]))


def check_inside(hull: HullOf, roots: tuple[Path, ...]) -> None:
    """Raise DataError for a hull from files outside the folders that are shown."""
    named = [
        Path(one) for one in (hull.reference, hull.hull) if one not in ("", SHIPPED, "dft", hull.potential)
    ]
    for path in named:
        if not any(inside(path, root) for root in roots):
            raise DataError(f"its hull comes from {path.name}, which is not shown", "show that folder too")


def _diagram(elements: list[int], found: list[Placeable], known: KnownPhases, note: str) -> dict[str, Any]:
    parts = known.fractions[:, elements]
    zeros, missing = zeros_of(parts, known.energies)
    energies = known.energies - parts @ zeros
    hull = Hull.of(parts, energies)
    phases = []
    for label, whole, part, energy in zip(known.labels, known.fractions, parts, energies, strict=True):
        formula, above = formula_of(whole), max(float(energy) - hull.at(part), 0.0)
        phases.append(Phase(_named(label, formula), formula, part, float(energy), above))
    told = np.array([np.nan if one.above is None else one.above for one in found])
    heights = np.where(np.isfinite(told), told, known.above)
    if (np.abs(heights - known.above) > OTHER).any():
        note += OTHERWISE
    for one, above in zip(found, heights.tolist(), strict=True):
        if above != above:
            continue
        part = fractions_of(one.cell.species)[elements]
        kind = "candidate" if one.passed else "rejected"
        phases.append(
            Phase(one.name, name_of(one.cell), part, hull.energy(part) + above, above, one.row, kind)
        )
    if missing:
        note += f" No pure {' or '.join(SYMBOLS[elements[place]] for place in missing)} is known to it, {ARBITRARY}"
    return diagram(elements, phases, hull, note)


def zeros_of(fractions: np.ndarray, energies: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """The energy of each element from which those of formation are counted, and which elements have no pure phase.

    For an element without one it is the least at which no phase has a positive energy of formation. Tie lines and
    heights above the hull do not depend on it.

    Args:
        fractions: of known phases. [phases, elements]
        energies: of known phases, eV/atom. [phases]
    """
    pure = fractions == 1.0
    zeros = np.where(pure, energies[:, None], np.inf).min(0)
    missing = np.flatnonzero(~pure.any(0)).tolist()
    zeros[missing] = 0.0
    for element in missing:
        share = fractions[:, element]
        inside = share > 0
        if inside.any():
            zeros[element] = ((energies - fractions @ zeros)[inside] / share[inside]).max()
    return zeros, missing


def formula_of(fractions: np.ndarray) -> str:
    """The formula of a composition by atomic number, in the smallest whole numbers."""
    elements = np.flatnonzero(fractions)
    for units in range(1, LARGEST + 1):
        counts = fractions[elements] * units
        if np.abs(counts - counts.round()).max() < EXACT and counts.round().min() > 0:
            break
    species = np.repeat(elements, counts.round().astype(int))
    return name_of(Cell(species, np.zeros((len(species), 3)), np.eye(3)))


def _named(label: str, formula: str) -> str:
    """What is left of a label that repeats the formula."""
    return label.removeprefix(f"{formula} (").removesuffix(")") if label.startswith(f"{formula} (") else label


def _note(hull: HullOf) -> str:
    if hull.reference == SHIPPED and hull.hull in ("", hull.potential):
        return (
            f"The hull is that of the shipped crystals of MP-20 near the hull of the Materials Project, by energies of "
            f"{hull.potential}. It lacks phases, so that candidates look more stable than they are."
        )
    return f"The hull is that of {Path(hull.reference or hull.hull).name}, for energies of {hull.potential}."
