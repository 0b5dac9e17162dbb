"""A compact cell is the same crystal, and heights are the distances of lattice planes."""

import numpy as np

from nucleate.cell import FLAT, Cell

SHEAR = np.array([[1, 9, 0], [0, 1, -14], [0, 0, 1]])
"""Another basis of the same lattice."""


def zinc_blende(basis: np.ndarray) -> Cell:
    lattice = 5.67 * np.array([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    frac = np.array([[0.0, 0, 0], [0.25, 0.25, 0.25]])
    return Cell(np.array([30, 34]), frac @ np.linalg.inv(basis), basis @ lattice)


def test_heights_are_one_over_the_lengths_of_reciprocal_vectors():
    cell = zinc_blende(SHEAR)
    np.testing.assert_allclose(
        cell.heights, 1 / np.linalg.norm(np.linalg.inv(cell.lattice), axis=0), rtol=1e-6
    )
    assert Cell(cell.numbers, cell.frac, np.zeros((3, 3))).heights.tolist() == [0, 0, 0]


def test_a_flat_cell_has_the_same_crystal_in_a_compact_one():
    flat, good = zinc_blende(SHEAR), zinc_blende(np.eye(3))
    assert flat.heights.min() < FLAT
    compact = flat.compact()
    assert compact.heights.min() > 2.5
    structure = compact.to_structure()
    for site in (0, 1):
        ours = sorted(
            (round(n.nn_distance, 6), n.specie.Z) for n in structure.get_neighbors(structure[site], 7)
        )
        known = good.to_structure()
        theirs = sorted((round(n.nn_distance, 6), n.specie.Z) for n in known.get_neighbors(known[site], 7))
        assert ours == theirs


def test_a_cell_that_is_not_flat_stays_as_it_is():
    cell = zinc_blende(np.eye(3))
    assert cell.compact() is cell
