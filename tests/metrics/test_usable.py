"""A usable crystal is one that could be: real ones pass, atoms inside one another or in empty space do not."""

import numpy as np
import pytest

from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.metrics.usable import USABLE
from tests.metrics.crystals_for_tests import known_crystals


def cubic(edge: float, *atoms: tuple[int, float]) -> Cell:
    """Atoms on the diagonal of a cube."""
    return Cell(np.array([z for z, _ in atoms]), np.array([[x] * 3 for _, x in atoms]), np.eye(3) * edge)


def test_known_crystals_are_usable():
    assert [defect(Cell.of(structure), USABLE) for structure in known_crystals()] == [None] * len(
        known_crystals()
    )


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (cubic(3.4, (11, 0.0), (17, 0.5)), None),
        # Na and Cl have radii of 1.66 and 1.02 Å: 0.6 of their sum is 1.61 Å
        (cubic(5.0, (11, 0.0), (17, 1.62 / 3**0.5 / 5)), None),
        (cubic(5.0, (11, 0.0), (17, 1.59 / 3**0.5 / 5)), "atoms_too_close"),
        # hydrogen in its molecule: 0.74 of a sum of 0.62 Å
        (cubic(3.5, (1, 0.0), (1, 0.74 / 3**0.5 / 3.5)), None),
        # caesium is as near to its own images as the cell is long
        (Cell(np.array([55]), np.zeros((1, 3)), np.diag([2.9, 8.0, 8.0])), "atoms_too_close"),
        (cubic(5.0, *[(55, i / 8) for i in range(8)]), "too_dense"),
        (cubic(6.4, (11, 0.0)), "too_thin"),
        (cubic(float("nan"), (11, 0.0)), "not_finite"),
        (Cell(np.array([11]), np.zeros((1, 3)), np.diag([9.0, 9.0, 0.01])), "flat"),
    ],
)
def test_verdicts(cell, expected):
    assert defect(cell, USABLE) == expected
