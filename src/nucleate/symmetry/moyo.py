"""The door to moyo, the library that finds space groups.

It warns on stderr of operations that a cell's basis can't hold, which a space group does not depend on, and where its
Rust code panics it raises what is no Exception. Neither leaves this module.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from nucleate.cell import Cell
from nucleate.errors import StructureError
from nucleate.measures import closest_image, elongation

SHORTEST_PERIOD = 1.0
"""Å; no crystal has a shorter period, and moyo does not terminate in some cells of 0.7 Å and less."""
LONGEST = 30.0
"""Longest over shortest vector of a reduced cell; crystals of MP-20 reach 13, and moyo does not come back from some
cells of 45."""
FLAT = 1e-3
"""Å³."""


@cache
def moyo() -> Any:
    """The package moyopy, silenced."""
    import moyopy

    logging.getLogger("moyo").setLevel(logging.ERROR)
    return moyopy


def analysed(cell: Cell, symprec: float, **how: Any) -> Any:
    """moyo's analysis of a crystal (`moyopy.MoyoDataset`) within symprec (Å).

    Raises StructureError where it finds no space group, and for a cell that it would not come back from.
    """
    # a flat cell has no reduced one, and moyo refuses it
    if cell.volume > FLAT:
        _check(cell)
    given = moyo().Cell(cell.lattice.tolist(), cell.frac.tolist(), cell.species.tolist())
    try:
        return moyo().MoyoDataset(given, symprec=symprec, **how)
    except BaseException as error:
        # the class of a panic can't be imported
        if not isinstance(error, ValueError) and type(error).__name__ != "PanicException":
            raise
        raise StructureError(
            f"no space group was found within {symprec:g} Å ({error})",
            "give a sound structure, or another symprec",
        ) from None


def _check(cell: Cell) -> None:
    if (period := closest_image(cell)) < SHORTEST_PERIOD:
        problem = f"a crystal that repeats after {period:.2f} Å has no space group"
    elif (ratio := elongation(cell)) > LONGEST:
        problem = f"a cell {ratio:.0f} times as long as it is wide is given no space group"
    else:
        return
    raise StructureError(problem, "give a sound structure")


def number_of(cell: Cell, symprec: float) -> int | None:
    """The number of a crystal's space group, 1 to 230; None where none is found."""
    try:
        return int(analysed(cell, symprec).number)
    except StructureError:
        return None
