"""What is refused of a cell is judged where neighbours can't hide."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.cell import Cell
from nucleate.data.parse import CellSettings, check
from nucleate.errors import StructureError


def copper_pair(apart: float) -> Cell:
    """Two atoms in a cube of 2.5 Å along b, in a basis whose second vector is b + 12 a: the nearest images of the
    fractional coordinates are far from each other."""
    change = np.array([[1.0, 0, 0], [12, 1, 0], [0, 0, 1]])
    frac = np.array([[0.0, 0, 0], [0, apart / 2.5, 0]]) @ np.linalg.inv(change)
    return Cell(np.array([29, 29]), frac, 2.5 * change)


@pytest.mark.parametrize("reduce", [True, False])
def test_atoms_too_close_are_found_in_any_basis(reduce):
    settings = CellSettings(reduce=reduce, volume_per_atom=(0.1, 100.0))
    with pytest.raises(StructureError, match=r"atoms 0\.375 Å apart"):
        check(copper_pair(0.375), settings)
    kept = check(copper_pair(0.625), settings)
    assert np.linalg.norm(kept.lattice, axis=1).max() == pytest.approx(2.5 if reduce else 2.5 * 145**0.5)
