"""Relax crystals in a potential and place them against a hull: shared by all that judge, rank or choose by energy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nucleate.cell import Cell
from nucleate.energies.corrections import mp2020_correction
from nucleate.energies.hull import AboveHull, Hull
from nucleate.energies.potential import Potential
from nucleate.energies.relax import Relaxed, RelaxSettings, relax
from nucleate.errors import NucleateError
from nucleate.work import Work


@dataclass(frozen=True)
class Placed:
    """One crystal, relaxed and placed against the hull.

    Attributes:
        relaxed: result of the relaxation.
        above: the relaxed energy above the hull, if there is such an energy.
    """

    relaxed: Relaxed
    above: AboveHull = AboveHull(None)


def place(
    cells: Sequence[Cell],
    potential: Potential,
    hull: Hull,
    settings: RelaxSettings | None = None,
    work: Work = Work(),
) -> list[Placed]:
    """Relax crystals and place each against a hull; the result of one does not depend on the others.

    Args:
        cells, potential, settings, work: as in `relax`.
        hull: on the scale of the potential's energies; what it needs to know is computed in the same work and kept in
            its own cache.

    Raises NucleateError where potential and hull are on different scales, and what `relax` raises.
    """
    same_scale(potential, hull)
    relaxed = relax(cells, potential, settings, work)
    done = zip(cells, relaxed, strict=True)
    hull.prepare((cell.species for cell, one in done if one.energy is not None), work)
    return [
        Placed(one)
        if one.energy is None
        else Placed(one, above_hull(one.cell or cell, one.energy, potential, hull))
        for cell, one in zip(cells, relaxed, strict=True)
    ]


def above_hull(cell: Cell, energy: float, potential: Potential, hull: Hull) -> AboveHull:
    """How far a crystal with this total energy (eV) of a potential stands above a hull.

    A raw energy is corrected before it meets corrected phases; a crystal that the scheme refuses has no distance.
    """
    if not (hull.corrected and potential.mp_raw):
        return hull.above(cell.species, energy)
    correction = mp2020_correction(cell)
    if correction is None:
        return AboveHull(None, "no_correction")
    return hull.above(cell.species, energy + correction)


def same_scale(potential: Potential, hull: Hull) -> None:
    """Raise NucleateError where the energies of a potential can't be compared with those of a hull."""
    if hull.name == "entries" and not (potential.mp_corrected or potential.mp_raw):
        raise NucleateError(
            f"energies of {potential.name} can't be compared with the corrected entries of this hull",
            "take the potential chgnet or sevennet, or the hull of the potential's own energies",
        )
