"""Space groups of generated crystals, found by moyo, and how many have no symmetry at all.

Space groups depend on the tolerance: a generated crystal is P1 at 0.01 Å and may be cubic at 0.1 Å. So both are
given; where there is room for one, it is the wider.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np

from nucleate.cell import Cell
from nucleate.defects import Rule, Rules, defect
from nucleate.errors import DataError
from nucleate.measures import closest_image
from nucleate.metrics.dng.family import Family, Measure, share
from nucleate.metrics.dng.quantities import JUDGED, LOOSEST, versions
from nucleate.symmetry.moyo import SHORTEST_PERIOD, moyo, number_of
from nucleate.work import Work

CRYSTAL_SYSTEMS = (
    "triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic",
)  # fmt: skip
LAST_GROUPS = (2, 15, 74, 142, 167, 194, 230)
"""The last space group of each crystal system (International Tables for Crystallography A)."""

PLACED = Rules((*JUDGED.checks, Rule("repeats_too_soon", closest_image, least=SHORTEST_PERIOD)))
"""A cell that breaks one of these has no space group."""


@dataclass(frozen=True)
class SymmetrySettings:
    """How symmetry is judged.

    Attributes:
        symprec: tolerances for positions, Å. The first gives the columns space_group and crystal_system.
    """

    symprec: tuple[float, ...] = (0.1, 0.01)

    def __post_init__(self) -> None:
        if not self.symprec or not all(0 < one <= LOOSEST for one in self.symprec):
            raise DataError(
                f"each symprec must be above 0 and at most {LOOSEST:g} Å; got {self.symprec}",
                "0.1 Å is usual",
            )


def judge_symmetry(
    samples: Sequence[Cell | None],
    reference: Sequence[Cell] | None = None,
    settings: SymmetrySettings | None = None,
    work: Work = Work(),
) -> Family:
    """Space groups, crystal systems, and shares of P1 and of triclinic crystals over all generated samples.

    Args:
        samples: generated cells, None where one could not be read.
        reference: real crystals, for which the same shares are given.

    Raises MissingPackageError when moyopy is not installed; DataError without samples.
    """
    settings = settings or SymmetrySettings()
    if not len(samples):
        raise DataError("there are no samples to judge", "give at least one generated structure")
    measures, columns, undetermined = {}, {}, {}
    for place, symprec in enumerate(settings.symprec):
        groups = space_groups(samples, symprec, work)
        undetermined[symprec] = groups.count(None)
        suffix = "" if place == 0 else f"_{symprec:g}"
        columns[f"space_group{suffix}"] = groups
        columns[f"crystal_system{suffix}"] = [g and crystal_system(g) for g in groups]
        measures |= _measures(groups, suffix, symprec, "generated")
        if reference is not None and len(reference):
            real = space_groups(reference, symprec, work)
            measures |= _measures(real, f"{suffix}_reference", symprec, "reference")
    notes = [
        f"The space group of {n} samples could not be found at {symprec:g} Å; they count in no share but are "
        "in the denominators."
        for symprec, n in undetermined.items()
        if n
    ]
    notes.append(
        "Generated atoms scatter by more than 0.01 Å: the share of P1 at that tolerance is a noise level."
    )
    return Family(
        "symmetry",
        "Symmetry",
        measures,
        columns,
        settings=asdict(settings) | versions("moyopy", "nucleate"),
        notes=notes,
    )


def _measures(groups: list[int | None], suffix: str, symprec: float, of: str) -> dict[str, Measure]:
    found = [g for g in groups if g]
    n = len(groups)
    at = f"at {symprec:g} Å (moyo)"
    return {
        f"p1{suffix}": share(found.count(1), n, of, f"space group P1 {at}"),
        f"triclinic{suffix}": share(sum(g <= 2 for g in found), n, of, f"space group P1 or P-1 {at}"),
        f"cubic{suffix}": share(sum(g >= 195 for g in found), n, of, f"cubic {at}"),
        f"space_group_found{suffix}": share(len(found), n, of, f"a space group could be found {at}"),
    }


def space_groups(cells: Sequence[Cell | None], symprec: float, work: Work = Work()) -> list[int | None]:
    """Number of the space group of each cell, None where there is none to be found."""
    find = partial(space_group, symprec=symprec)
    return list(work.run(f"space groups at {symprec:g} Å", find, cells, len(cells)))


def space_group(cell: Cell | None, symprec: float) -> int | None:
    """Number of the space group, None for a cell that is defect, repeats within SHORTEST_PERIOD, or that moyo can't
    place."""
    if cell is None or defect(cell, PLACED):
        return None
    return number_of(cell, symprec)


def crystal_system(number: int) -> str:
    """Crystal system of a space group, one of CRYSTAL_SYSTEMS."""
    return CRYSTAL_SYSTEMS[int(np.searchsorted(LAST_GROUPS, number))]


def symbol(number: int) -> str:
    """Short Hermann-Mauguin symbol of a space group, without blanks."""
    return moyo().SpaceGroupType(number).hm_short.replace(" ", "")
