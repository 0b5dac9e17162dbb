"""Each measure against pymatgen, a brute force, or arithmetic by hand."""

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from nucleate import measures
from nucleate.cell import Cell


def crystal(seed: int, size: int = 4) -> Cell:
    """A skewed cell of any atoms."""
    rng = np.random.default_rng(seed)
    lattice = 5 * np.eye(3) + rng.normal(0, 1.2, (3, 3))
    return Cell(rng.integers(1, 95, size), rng.uniform(-1, 2, (size, 3)), lattice)


def vectors_between(cell: Cell, one: int, other: int, reach: int = 5) -> np.ndarray:
    steps = np.array(list(np.ndindex(*[2 * reach + 1] * 3))) - reach
    return (cell.frac[other] - cell.frac[one] + steps) @ cell.lattice


@pytest.mark.parametrize("seed", range(6))
def test_densities_and_lengths_are_pymatgens(seed: int) -> None:
    cell = crystal(seed)
    structure = cell.to_structure()
    assert measures.volume(cell) == pytest.approx(structure.volume)
    assert measures.volume_per_atom(cell) == pytest.approx(structure.volume / 4)
    assert measures.atom_density(cell) == pytest.approx(4 / structure.volume)
    assert measures.density(cell) == pytest.approx(float(structure.density), rel=1e-3)
    assert measures.shortest(cell) == pytest.approx(min(structure.lattice.abc))
    assert measures.longest(cell) == pytest.approx(max(structure.lattice.abc))


@pytest.mark.parametrize("seed", range(6))
def test_distances_are_those_of_a_loop_over_images(seed: int) -> None:
    cell = crystal(seed)
    cell = cell._replace(frac=cell.frac % 1)
    expected = {
        (i, j): np.linalg.norm(vectors_between(cell, i, j), axis=1).min()
        for i in range(4) for j in range(4) if i != j
    }  # fmt: skip
    found = measures.pair_distances(cell)
    assert all(found[pair] == pytest.approx(distance) for pair, distance in expected.items())
    assert np.isinf(np.diag(found)).all()
    assert measures.closest_pair(cell) == pytest.approx(min(expected.values()))
    own = np.linalg.norm(vectors_between(cell, 0, 0), axis=1)
    assert measures.closest_image(cell) == pytest.approx(np.sort(own)[1])


def test_thickness_does_not_depend_on_the_basis_of_a_flat_cell() -> None:
    cell = Cell(np.array([14]), np.zeros((1, 3)), Lattice.cubic(4).matrix)
    shear = np.array([[1, 9, 0], [0, 1, -14], [0, 0, 1]])
    assert measures.thickness(cell._replace(lattice=shear @ cell.lattice)) == pytest.approx(4)
    assert measures.thickness(cell._replace(lattice=np.diag([9, 9, 0.05]))) == pytest.approx(0.05)
    assert measures.thickness(cell._replace(lattice=1e200 * np.eye(3))) == np.inf


def test_counts_of_atoms_unknown_elements_and_broken_numbers() -> None:
    cell = Cell(np.array([0, 1, 100, 101, -3]), np.zeros((5, 3)), np.eye(3))
    assert (measures.atoms(cell), measures.strangers(cell), measures.broken(cell)) == (5, 3, 0)
    assert measures.broken(cell._replace(frac=cell.frac + np.nan)) == 1
    assert measures.broken(cell._replace(lattice=np.full((3, 3), np.inf))) == 1


def test_where_there_is_nothing_to_measure() -> None:
    none = Cell(np.array([], dtype=int), np.zeros((0, 3)), np.eye(3))
    assert measures.volume_per_atom(none) == np.inf
    flat = Cell(np.array([11]), np.zeros((1, 3)), np.zeros((3, 3)))
    assert measures.density(flat) == np.inf
    assert measures.closest_pair(flat) == np.inf


def test_density_of_rock_salt_is_that_of_the_handbook() -> None:
    salt = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0, 0]])
    assert measures.density(Cell.of(salt)) == pytest.approx(2.165, rel=2e-3)
