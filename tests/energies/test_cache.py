"""Keys of stored energies see everything that matters, and nothing else."""

from __future__ import annotations

import numpy as np

from nucleate.cell import Cell
from nucleate.energies.cache import key_of

CELL = Cell(np.array([11, 17]), np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]), 4.0 * np.eye(3))


def test_a_key_depends_on_every_part() -> None:
    others = [
        key_of("point", CELL, "a"),
        key_of("relax", CELL, "b"),
        key_of("relax", CELL, "a", "c"),
        key_of("relax", CELL._replace(species=np.array([17, 11])), "a"),
        key_of("relax", CELL._replace(frac=CELL.frac + 1e-9), "a"),
        key_of("relax", CELL._replace(lattice=CELL.lattice * (1 + 1e-12)), "a"),
    ]
    assert key_of("relax", CELL, "a") not in others
    assert len(set(others)) == len(others)


def test_a_key_does_not_depend_on_number_types() -> None:
    same = Cell(CELL.species.astype(np.uint8), np.asfortranarray(CELL.frac), CELL.lattice[:, ::1])
    assert key_of("relax", CELL, "a") == key_of("relax", same, "a")
