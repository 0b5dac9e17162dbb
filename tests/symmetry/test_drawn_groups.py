"""What is drawn has its space group or a supergroup at 1e-5 Å, by moyo and by spglib."""

from __future__ import annotations

from collections.abc import Sequence

import moyopy
import pytest
import spglib

from tests.model.test_symmetric import FRAC, draw, misfit, model
from tests.symmetry.examples import many

SOME = (
    1,
    2,
    5,
    12,
    15,
    38,
    43,
    62,
    88,
    107,
    122,
    141,
    146,
    148,
    152,
    155,
    160,
    166,
    176,
    186,
    194,
    198,
    205,
    216,
    225,
    229,
)
CLOSE = 1e-5


def order(number: int) -> int:
    return len(moyopy.operations_from_number(number, primitive=True).rotations)


def check(numbers: Sequence[int]) -> None:
    templates = many(numbers)
    crystals = draw(model(FRAC["kinetic"]), templates, "multistep")
    assert misfit(crystals, templates)[0] < 1e-6
    for number, cell in zip(numbers, crystals.cells(), strict=True):
        atoms = moyopy.Cell(cell.lattice.tolist(), cell.frac.tolist(), cell.species.tolist())
        by_moyo = moyopy.MoyoDataset(atoms, symprec=CLOSE).number
        found = spglib.get_symmetry_dataset((cell.lattice, cell.frac, cell.species), symprec=CLOSE)
        assert found is not None, f"spglib finds nothing for {number}"
        for name, other in (("moyo", by_moyo), ("spglib", found.number)):
            same = other == number or order(other) > order(number)
            assert same, f"{name} finds {other} for {number}"


def test_drawn_crystals_have_some_groups() -> None:
    check(SOME)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1, 231, 23))
def test_drawn_crystals_have_all_groups(first: int) -> None:
    check(range(first, first + 23))
