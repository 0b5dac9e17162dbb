"""AMD against neighbour lists of pymatgen, brute force over many images, and what it must be blind to."""

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from nucleate.metrics.amd import average_minimum_distances, element_distances, largest_difference
from tests.metrics.crystals_for_tests import known_crystals, perturbed


def of(structure: Structure, k: int) -> np.ndarray:
    return average_minimum_distances(structure.frac_coords, structure.lattice.matrix, k)


def naive(structure: Structure, k: int, radius: float) -> np.ndarray:
    """From pymatgen's list of all neighbours within a radius."""
    rows = [sorted(n.nn_distance for n in found)[:k] for found in structure.get_all_neighbors(radius)]
    assert min(map(len, rows)) == k
    return np.mean(rows, 0) / (structure.volume / len(structure)) ** (1 / 3)


@pytest.mark.parametrize("number", range(10))
def test_amd_is_the_mean_of_sorted_neighbour_distances(number):
    crystal = known_crystals()[number]
    np.testing.assert_allclose(of(crystal, 20), naive(crystal, 20, 9.0), atol=1e-6)


def test_simple_cubic_has_shells_of_6_12_8_6():
    amd = of(Structure(Lattice.cubic(2.6), ["Po"], [[0.1, 0.2, 0.3]]), 32)
    shells = np.repeat([1, np.sqrt(2), np.sqrt(3), 2], [6, 12, 8, 6])
    np.testing.assert_allclose(amd, shells, atol=1e-12)


@pytest.mark.parametrize("number", [1, 5, 7, 8])
def test_amd_is_the_same_for_every_cell_of_a_crystal(number):
    rng = np.random.default_rng(number)
    crystal = known_crystals()[number]
    other = crystal.copy()
    other.make_supercell([[1, 1, 0], [0, 1, -1], [0, 0, 2]])
    other = perturbed(other, rng, 0.0, 0.0)
    bigger = Structure(Lattice(1.7 * crystal.lattice.matrix), crystal.species, crystal.frac_coords - 3.2)
    for same in (other, bigger):
        np.testing.assert_allclose(of(same, 60), of(crystal, 60), atol=1e-9)


def test_needle_and_plate_cells_are_exact_too():
    """Neighbours that are many cells away in one direction and none in another."""
    steps = np.stack(np.meshgrid(*[np.arange(-60, 61)] * 3, indexing="ij"), -1).reshape(-1, 3)
    for lengths in ((0.5, 8.0, 9.0), (0.5, 0.6, 20.0)):
        lattice = np.diag(lengths) + 0.1 * np.tri(3)
        distances = np.sort(np.linalg.norm(steps @ lattice, axis=1))[1:41] / np.prod(np.diag(lattice)) ** (
            1 / 3
        )
        np.testing.assert_allclose(
            average_minimum_distances(np.zeros((1, 3)), lattice, 40), distances, atol=1e-9
        )


def test_amd_changes_at_most_by_twice_the_displacement():
    """Continuity: two atoms that move by e each change their distance, and so AMD, by at most 2 e."""
    rng = np.random.default_rng(1)
    for crystal in known_crystals():
        shifts = rng.normal(size=(len(crystal), 3))
        shifts *= 0.05 / np.linalg.norm(shifts, axis=1, keepdims=True)
        moved = Structure(
            crystal.lattice, crystal.species, crystal.cart_coords + shifts, coords_are_cartesian=True
        )
        unit = (crystal.volume / len(crystal)) ** (1 / 3)
        assert largest_difference(of(moved, 30), of(crystal, 30)) <= 0.1 / unit + 1e-9


def test_only_element_distances_see_which_element_is_where():
    lattice = Lattice.tetragonal(3.0, 7.0)
    sites = [[0, 0, 0], [0, 0, 0.5], [0.5, 0.5, 0.2], [0.5, 0.5, 0.7]]
    layered = Structure(lattice, ["Na", "Na", "Cl", "Cl"], sites)
    mixed = Structure(lattice, ["Na", "Cl", "Na", "Cl"], sites)
    assert largest_difference(of(layered, 12), of(mixed, 12)) < 1e-12
    parts = [
        element_distances(np.array(s.atomic_numbers), s.frac_coords, s.lattice.matrix, 12)
        for s in (layered, mixed)
    ]
    assert parts[0].shape == (24,)
    assert largest_difference(*parts) > 0.1


def test_element_distances_are_in_units_of_the_whole_crystal():
    salt = known_crystals()[1]
    found = element_distances(np.array(salt.atomic_numbers), salt.frac_coords, salt.lattice.matrix, 12)
    # both kinds sit on a face-centred lattice: twelve at a / sqrt 2, and the unit is a / 2
    np.testing.assert_allclose(found, np.sqrt(2), atol=1e-9)


@pytest.mark.parametrize(
    ("frac", "lattice"),
    [
        (np.zeros((0, 3)), np.eye(3)),
        (np.full((1, 3), np.nan), np.eye(3)),
        (np.zeros((1, 3)), np.ones((3, 3))),
        (np.zeros((1, 3)), np.full((3, 3), np.inf)),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_cells_without_atoms_or_volume_are_refused(frac, lattice):
    with pytest.raises(ValueError, match="no neighbour distances"):
        average_minimum_distances(frac, lattice, 5)
