"""What the experiments count of drawn cells, and that cells survive their file."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.drawn_cells import STOL, judged, load_cells, save_cells

from nucleate.cell import Cell

SALT = Cell(np.array([11, 17]), np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]), 2.8 * (np.ones((3, 3)) - np.eye(3)))
LONG = Cell(np.array([11, 17]), SALT.frac, np.diag([2.0, 4.0, 12.0]))
"""As many atoms in a cell that no tolerance takes for the other."""


def test_shares_of_right_wrong_and_missing_draws() -> None:
    found = judged([SALT, LONG, None, Cell(SALT.species, SALT.frac, 1.3 * SALT.lattice)], [SALT] * 4)
    assert found["matched"] == [1, 0, 0, 1]
    assert found["match_rate"]["value"] == 0.5
    assert found["right_cells"] == 0.5
    assert found["rmse"] == pytest.approx(0, abs=1e-6)
    assert found["crmse"] == pytest.approx(STOL / 2, abs=1e-6)
    assert found["by_atoms"]["<=4"] == {"n": 4, "match_rate": 0.5}
    assert found["by_atoms"]["5-8"] == {"n": 0, "match_rate": None}


def test_cells_come_back_from_their_file(tmp_path) -> None:
    save_cells(tmp_path / "cells.npz", [SALT, None, LONG])
    one, missing, other = load_cells(tmp_path / "cells.npz")
    assert missing is None
    for found, kept in ((one, SALT), (other, LONG)):
        assert found is not None
        for a, b in zip(found, kept, strict=True):
            np.testing.assert_array_equal(a, b)
