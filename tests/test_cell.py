"""A cell goes to pymatgen and ASE and back; a compact cell is the same crystal; heights are the distances of planes."""

import numpy as np
import pytest
from ase import Atoms
from pymatgen.core import DummySpecies, Lattice, Structure

from nucleate.cell import FLAT, Cell
from nucleate.errors import StructureError

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
    assert Cell(cell.species, cell.frac, np.zeros((3, 3))).heights.tolist() == [0, 0, 0]


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


def skew(size: int, seed: int = 0) -> Cell:
    """A left-handed cell with coordinates on both sides of [0, 1)."""
    rng = np.random.default_rng(seed)
    lattice = 4 * np.eye(3)[[1, 0, 2]] + rng.normal(0, 0.3, (3, 3))
    return Cell(rng.integers(1, 95, size), rng.uniform(-1, 2, (size, 3)), lattice)


def test_a_cell_comes_back_from_pymatgen_bit_for_bit():
    cell = skew(5)
    structure = cell.to_structure()
    np.testing.assert_allclose(structure.cart_coords, cell.frac @ cell.lattice, atol=1e-12)
    for ours, theirs in zip(cell, Cell.of(structure), strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype


def test_a_cell_comes_back_from_ase():
    cell = skew(5)
    atoms = cell.to_atoms()
    assert atoms.pbc.all()
    np.testing.assert_allclose(atoms.positions, cell.frac @ cell.lattice, atol=1e-12)
    back = Cell.of_atoms(atoms)
    np.testing.assert_array_equal(back.species, cell.species)
    np.testing.assert_array_equal(back.lattice, cell.lattice)
    np.testing.assert_allclose(back.frac, cell.frac, atol=1e-13)
    atoms.positions += 1
    atoms.cell[:] *= 2
    np.testing.assert_array_equal(back.lattice, cell.lattice)


def test_refused_cells_give_the_reason():
    with pytest.raises(StructureError, match="partial occupancy"):
        Cell.of(Structure(Lattice.cubic(4), [{"Na": 0.5, "K": 0.5}], [[0, 0, 0]]))
    dummy = Cell.of(Structure(Lattice.cubic(4), [DummySpecies("X")], [[0, 0, 0]]))
    assert not 1 <= dummy.species[0] <= 118
    with pytest.raises(StructureError, match=r"no three-dimensional cell$"):
        Cell.of_atoms(Atoms("H2", positions=[[0, 0, 0], [0, 0, 0.74]]))
    with pytest.raises(StructureError, match="its vectors lie in one plane"):
        Cell.of_atoms(Atoms("H", cell=[[1, 0, 0], [0, 1, 0], [1, 1, 0]], pbc=True))


def test_volume_is_that_of_the_three_vectors_and_infinite_where_it_is_no_number():
    a, b, c = skew(1).lattice
    assert skew(1).volume == pytest.approx(abs(np.cross(a, b) @ c))
    assert Cell(np.array([1]), np.zeros((1, 3)), 1e150 * np.eye(3)).volume == np.inf


def test_finite_checks_coordinates_and_vectors():
    cell = skew(2)
    assert cell.finite
    assert not cell._replace(frac=cell.frac * np.nan).finite
    assert not cell._replace(lattice=cell.lattice * np.inf).finite
