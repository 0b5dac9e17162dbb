"""Shapes of cells from known crystals on the same sites."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.prototypes.entry import describe
from nucleate.prototypes.index import Index
from nucleate.prototypes.shapes import Shapes
from nucleate.symmetry.sites import Sites

RUTILE = Sites(136, ("a", "f"), (22, 8), np.array([0.305]), np.diag([4.59, 4.59, 2.96])).to_cell()
FLUORIDE = Sites(136, ("a", "f"), (12, 9), np.array([0.303]), np.diag([4.62, 4.62, 3.05])).to_cell()
ALLOY = Sites(139, ("a", "b"), (29, 79), np.zeros(0), np.diag([3.9, 3.9, 3.67])).to_cell()


@pytest.fixture(scope="module")
def shapes() -> Shapes:
    entries = [
        describe(cell, name, "made") for name, cell in (("TiO2", RUTILE), ("MgF2", FLUORIDE), ("CuAu", ALLOY))
    ]
    return Shapes(Index.of_entries([one for one in entries if one is not None]))


def name(shapes: Shapes, sites: Sites) -> str | None:
    entry = shapes.nearest(sites.canonical())
    return None if entry is None else shapes.index.names[entry]


def test_the_elements_choose_among_crystals_on_the_same_sites(shapes: Shapes) -> None:
    assert name(shapes, Sites(136, ("a", "f"), (50, 8))) == "TiO2"
    assert name(shapes, Sites(136, ("a", "f"), (12, 9))) == "MgF2"
    assert name(shapes, Sites(136, ("a", "f"), (30, 9))) == "MgF2"


def test_the_cell_is_the_conventional_one_at_the_volume_that_is_asked(shapes: Shapes) -> None:
    cell = shapes.cell(Sites(139, ("a", "b"), (29, 79)).canonical(), 35.0)
    assert cell is not None
    # two primitive cells in the body-centred one
    assert np.linalg.det(cell) == pytest.approx(70.0)
    lengths = np.linalg.norm(cell, axis=1)
    assert lengths[2] / lengths[0] == pytest.approx(3.67 / 3.9, rel=1e-4)
    np.testing.assert_allclose(cell @ cell.T, np.diag(lengths**2), atol=1e-4)


def test_most_positions_in_common_come_before_the_elements(shapes: Shapes) -> None:
    assert name(shapes, Sites(136, ("a", "f", "g"), (12, 9, 9))) in ("TiO2", "MgF2")
    assert name(shapes, Sites(139, ("a",), (22,))) == "CuAu"


def test_a_space_group_that_no_known_crystal_has_gives_no_cell(shapes: Shapes) -> None:
    assert shapes.cell(Sites(225, ("a",), (29,)), 12.0) is None
