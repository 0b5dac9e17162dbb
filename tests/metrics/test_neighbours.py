"""Searches that end: the same neighbours as pymatgen finds, and a refusal where there would be millions."""

import numpy as np
import pytest

from nucleate.metrics.dng.fingerprints import fingerprint_cells
from nucleate.metrics.neighbours import MAX_NEIGHBOURS, TooManyNeighboursError, bounded_structure
from nucleate.metrics.validity_rules import site_fingerprints
from tests.metrics.dng.cells_for_tests import box, known_cells


def sheets(gap: float):
    """Dense layers of atoms that are far from each other: each atom sees to the next layer."""
    return box("Na Cl", [[0, 0, 0], [0.5, 0.5, 0]])._replace(lattice=np.diag([1.2, 1.2, gap]))


def test_a_crystal_has_the_neighbours_that_pymatgen_finds():
    cell = known_cells()[1]
    ours = bounded_structure(cell).get_sites_in_sphere([0, 0, 0], 6.0)
    theirs = cell.to_structure().get_sites_in_sphere([0, 0, 0], 6.0)
    assert sorted(site.nn_distance for site in ours) == sorted(site.nn_distance for site in theirs)
    assert len(ours) > 10


def test_a_search_among_too_many_atoms_is_refused_with_their_number():
    structure = bounded_structure(sheets(60.0))
    assert structure.get_sites_in_sphere([0, 0, 0], 7.0)
    radius = 1.1 * (MAX_NEIGHBOURS * structure.volume / len(structure) * 3 / 4 / np.pi) ** (1 / 3)
    with pytest.raises(TooManyNeighboursError, match=r"about 266\d\d atoms"):
        structure.get_sites_in_sphere([0, 0, 0], radius)


def test_distant_sheets_of_atoms_have_no_fingerprint_and_a_reason():
    dense = box("Fe Fe", [[0, 0, 0], [0.1, 0, 0]], 0.5)
    found = fingerprint_cells([sheets(300.0), dense, known_cells()[1]])
    assert found.failures == ["too_many_neighbours", "too_many_neighbours", ""]
    assert found.made.tolist() == [False, False, True]


def test_fingerprints_do_not_depend_on_a_flat_basis():
    cell = known_cells()[1]
    basis = np.array([[1, 11, 0], [0, 1, -25], [0, 0, 1]])
    flat = cell._replace(lattice=basis @ cell.lattice, frac=cell.frac @ np.linalg.inv(basis))
    assert flat.heights.min() < 0.5
    np.testing.assert_allclose(site_fingerprints(flat), site_fingerprints(cell), atol=1e-6)
