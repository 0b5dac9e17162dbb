"""The tensor is read back exactly, whatever the crystal; its reciprocal part against sums over atoms."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest
import torch

from nucleate.cell import Cell
from nucleate.crystals import Crystals
from nucleate.families.ftcp.tensor import FARTHEST, LONGEST, Layout, ordered, read, represented
from nucleate.prototypes.files import read_index
from nucleate.prototypes.shipped import INDEX

LAYOUT = Layout(20, 6)


@pytest.fixture(scope="module")
def real() -> list[Cell]:
    """Known crystals of MP-20, every fortieth of them."""
    index = read_index(INDEX)
    cells = [index.cell(row) for row in range(0, len(index), 40)]
    return [one for one in cells if len(one.species) <= 20 and len(set(one.species.tolist())) <= 6]


def lengths_and_angles(cell: Cell) -> np.ndarray:
    structure = cell.to_structure()
    return np.array([*structure.lattice.abc, *structure.lattice.angles])


def test_real_crystals_come_back_exactly(real: list[Cell]) -> None:
    assert len(real) > 200
    for start in range(0, len(real), 64):
        part = real[start : start + 64]
        tensors = represented(Crystals.of_cells([ordered(one) for one in part]), LAYOUT)
        assert float(tensors.min()) >= -1e-12
        assert float(tensors.max()) <= 1 + 1e-12
        for one, back in zip(part, read(tensors, LAYOUT), strict=True):
            assert back is not None
            expected = ordered(one)
            assert np.array_equal(back.species, expected.species)
            gap = (back.frac - expected.frac + 0.5) % 1 - 0.5
            assert np.abs(gap).max() < 1e-12
            np.testing.assert_allclose(lengths_and_angles(back), lengths_and_angles(expected), rtol=1e-9)


def test_the_order_of_atoms_and_their_cell_make_no_difference(real: list[Cell]) -> None:
    rng = np.random.default_rng(0)
    for one in real[:20]:
        order = rng.permutation(len(one.species))
        other = Cell(one.species[order], one.frac[order] + rng.integers(-2, 3, (len(order), 3)), one.lattice)
        here, there = (represented(Crystals.of_cells([ordered(x)]), LAYOUT) for x in (one, other))
        torch.testing.assert_close(here, there, atol=1e-9, rtol=0)


def test_structure_factors_are_sums_over_atoms(real: list[Cell]) -> None:
    one = ordered(next(cell for cell in real if len(cell.species) > 4))
    tensor = represented(Crystals.of_cells([one]), LAYOUT)[0]
    at, points = LAYOUT.starts, LAYOUT.points.T.tolist()
    inverse = np.linalg.inv(one.lattice)
    for place, hkl in enumerate(points):
        length = 2 * math.pi * np.linalg.norm(inverse @ np.array(hkl))
        column = LAYOUT.columns + place
        assert float(tensor[at["lengths"], column]) == pytest.approx(length / FARTHEST, rel=1e-9)
        total = sum(
            int(z) * cmath.exp(2j * math.pi * float(np.dot(hkl, r)))
            for z, r in zip(one.species, one.frac, strict=True)
        ) / int(one.species.sum())
        real_part, imaginary = (float(tensor[at["properties"] + row, column]) for row in (1, 5))
        assert 2 * real_part - 1 == pytest.approx(total.real, abs=1e-6)
        assert 2 * imaginary - 1 == pytest.approx(total.imag, abs=1e-6)


def test_reciprocal_points_are_the_shortest_of_half_of_space() -> None:
    points = LAYOUT.points.T
    assert points.shape == (59, 3)
    both = {tuple(one) for one in points.tolist()} | {tuple(one) for one in (-points).tolist()}
    assert len(both) == 118
    norms = points.square().sum(1)
    assert norms.tolist() == sorted(norms.tolist())
    assert float(norms.max()) == 9


def test_what_is_below_the_threshold_is_not_there() -> None:
    cell = ordered(Cell(np.array([11, 17]), np.array([[0, 0, 0], [0.5, 0.5, 0.5]]), 4 * np.eye(3)))
    tensor = represented(Crystals.of_cells([cell]), LAYOUT)
    assert float(tensor[0, LAYOUT.starts["lattice"], 0]) == pytest.approx(4 / LONGEST)
    tensor[0, LAYOUT.starts["columns"] + 1] = 0.04
    (one,) = read(tensor, LAYOUT)
    assert one is not None
    assert one.species.tolist() == [11]
    (two,) = read(tensor, LAYOUT, 0.03)
    assert two is not None
    assert len(two.species) == 20 or two.species.tolist()[:1] == [11]
    assert read(torch.zeros_like(tensor), LAYOUT) == [None]
