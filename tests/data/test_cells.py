"""Reduction of cells against pymatgen, and against what must not change: distances, volume, chirality."""

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from nucleate.cell import Cell
from nucleate.data.cells import (
    closest_distance,
    lengths_and_angles,
    niggli,
    primitive,
    standard_lattice,
    standardise,
    wrap,
)
from nucleate.errors import StructureError
from tests.data.crystal_makers import random_structure, rock_salt, same_crystal

UNIMODULAR = [
    np.array([[1, 2, 0], [0, 1, 0], [0, 0, 1]]),
    np.array([[1, 0, 0], [3, 1, -1], [0, 0, 1]]),
    np.array([[2, 1, 1], [1, 1, 0], [0, 0, -1]]),
]


def cell_of(structure: Structure) -> Cell:
    return Cell(np.array(structure.atomic_numbers), structure.frac_coords, structure.lattice.matrix)


def structure_of(cell: Cell) -> Structure:
    return Structure(Lattice(cell.lattice), cell.species, cell.frac)


@pytest.mark.parametrize("seed", range(5))
def test_standard_lattice_is_pymatgens(seed: int) -> None:
    lattice = random_structure(seed).lattice
    ours = standard_lattice(np.array(lattice.abc), np.array(lattice.angles))
    np.testing.assert_allclose(ours, Lattice.from_parameters(*lattice.parameters).matrix, atol=1e-12)


@pytest.mark.parametrize("angles", [(90, 90, 190), (30, 30, 90), (0, 90, 90)])
def test_impossible_angles(angles: tuple[float, ...]) -> None:
    with pytest.raises(StructureError, match="no cell has the angles"):
        standard_lattice(np.array([3.0, 4, 5]), np.array(angles, dtype=float))


@pytest.mark.parametrize("lengths", [(0.0, 1, 1), (np.nan, 1, 1), (1, -2, 1)])
def test_impossible_lengths(lengths: tuple[float, ...]) -> None:
    with pytest.raises(StructureError, match="positive and finite"):
        standard_lattice(np.array(lengths), np.array([90.0, 90, 90]))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("change", UNIMODULAR)
def test_niggli_is_pymatgens_from_any_basis(seed: int, change: np.ndarray) -> None:
    structure = random_structure(seed)
    sheared = Cell(
        np.array(structure.atomic_numbers),
        structure.frac_coords @ np.linalg.inv(change),
        change @ structure.lattice.matrix,
    )
    reduced = niggli(sheared)
    theirs = structure.get_reduced_structure("niggli")
    lengths, angles = lengths_and_angles(reduced.lattice)
    np.testing.assert_allclose(lengths, theirs.lattice.abc, atol=1e-8)
    # Away from 90 degrees, where pymatgen may give a sibling (within 1 degree) of the Niggli cell.
    np.testing.assert_allclose(np.sort(angles), np.sort(theirs.lattice.angles), atol=1e-6)
    assert same_crystal(structure, structure_of(reduced))
    assert np.linalg.det(reduced.lattice) > 0
    assert ((reduced.frac >= 0) & (reduced.frac < 1)).all()
    np.testing.assert_allclose(reduced.lattice, standard_lattice(lengths, angles), atol=1e-10)


def test_primitive_cell_of_rock_salt() -> None:
    conventional = rock_salt()
    found = niggli(primitive(cell_of(conventional), 0.01))
    assert sorted(found.species.tolist()) == [11, 17]
    theirs = conventional.get_primitive_structure().get_reduced_structure("niggli")
    lengths, angles = lengths_and_angles(found.lattice)
    np.testing.assert_allclose(lengths, theirs.lattice.abc, atol=1e-6)
    np.testing.assert_allclose(angles, 60, atol=1e-4)
    assert same_crystal(theirs, structure_of(found), 1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_supercells_go_back_and_primitive_cells_stay(seed: int) -> None:
    small = random_structure(seed)
    large = small.copy()
    large.make_supercell([[2, 0, 0], [0, 1, 0], [1, 0, 2]])
    found = primitive(cell_of(large), 0.01)
    assert same_crystal(small, structure_of(found), 1e-4)
    cell = cell_of(small)
    assert primitive(cell, 0.01) is cell


def test_a_displaced_supercell_is_primitive() -> None:
    large = random_structure(1)
    large.make_supercell([2, 1, 1])
    large.translate_sites([0], [0, 0, 0.1], frac_coords=False)
    assert len(primitive(cell_of(large), 0.01).species) == len(large)


def test_chirality_survives_a_left_handed_basis() -> None:
    structure = random_structure(3, atoms=4)
    left = Cell(
        np.array(structure.atomic_numbers),
        structure.frac_coords[:, [1, 0, 2]],
        structure.lattice.matrix[[1, 0, 2]],
    )
    assert np.linalg.det(left.lattice) < 0
    for cell in (standardise(left), niggli(left)):
        assert np.linalg.det(cell.lattice) > 0
        assert signed_volume(cell) == pytest.approx(signed_volume(cell_of(structure)), rel=1e-6)


def signed_volume(cell: Cell) -> float:
    """A number that a mirror turns round: triple product of the vectors to the nearest three atoms."""
    images = np.array(np.meshgrid(*3 * [range(-3, 4)])).reshape(3, -1).T
    vectors = np.concatenate([(cell.frac - cell.frac[0] + image) @ cell.lattice for image in images])
    vectors = vectors[np.argsort(np.linalg.norm(vectors, axis=1))][1:4]
    return float(np.linalg.det(vectors))


def test_closest_distance_is_pymatgens() -> None:
    for seed in range(5):
        cell = niggli(cell_of(random_structure(seed, atoms=6)))
        structure = structure_of(cell)
        shortest = min(n.nn_distance for site in structure for n in structure.get_neighbors(site, 12))
        assert closest_distance(cell) == pytest.approx(shortest, abs=1e-9)


def test_closest_distance_counts_own_images() -> None:
    cell = Cell(np.array([3]), np.zeros((1, 3)), np.diag([0.4, 5.0, 6.0]))
    assert closest_distance(cell) == pytest.approx(0.4)


def test_closest_distance_of_many_atoms() -> None:
    grid = np.array(np.meshgrid(*3 * [np.arange(6) / 6])).reshape(3, -1).T
    assert closest_distance(Cell(np.full(216, 6), grid, 12 * np.eye(3))) == pytest.approx(2.0)


def test_wrap_never_gives_one() -> None:
    assert wrap(np.array([-1e-20, 1.0, -0.25])).tolist() == [0.0, 0.0, 0.75]
