"""Selling's reduction: four obtuse vectors that sum to zero, of the same lattice, and the same crystal in it."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from benchmarks.superbase import respanned, superbase

from nucleate.cell import Cell

LATTICES = {
    "face-centred": 2.0 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]),
    "cubic": 4.0 * np.eye(3),
    "skew": np.array([[3.0, 0, 0], [7.1, 2.5, 0], [-4.9, 6.3, 5.0]]),
    "drawn": np.random.default_rng(0).normal(size=(3, 3)) * 5,
}


@pytest.mark.parametrize("name", LATTICES)
def test_four_vectors_sum_to_zero_and_no_two_form_an_acute_angle(name):
    lattice = LATTICES[name]
    whole = superbase(lattice)
    vectors = whole @ lattice
    assert whole.tolist() == np.rint(whole).tolist()
    assert abs(np.linalg.det(whole[:3])) == pytest.approx(1)
    assert np.allclose(vectors.sum(0), 0)
    assert all(vectors[one] @ vectors[two] <= 1e-5 for one, two in combinations(range(4), 2))
    assert np.diff(np.linalg.norm(vectors, axis=1)).min() >= -1e-9


@pytest.mark.parametrize("name", LATTICES)
def test_the_crystal_stays_what_it_is(name):
    """Distances between atoms and their images, out to 9 Å, before and after."""
    cell = Cell(np.array([11, 17]), np.array([[0.1, 0.2, 0.3], [0.55, 0.81, 0.4]]), LATTICES[name])
    again = respanned(cell)
    assert again.volume == pytest.approx(cell.volume)
    assert distances(again) == pytest.approx(distances(cell), abs=1e-6)


def distances(cell: Cell) -> list[float]:
    from pymatgen.core import Structure

    held = Structure(cell.lattice, cell.species, cell.frac)
    return sorted(held.get_neighbor_list(9.0)[3].tolist())
