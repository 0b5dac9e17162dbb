"""Ranking by agreement: clusters do not depend on the order of the samples."""

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from nucleate.metrics.ranking import is_usable, rank_by_agreement


@pytest.fixture
def samples():
    rock_salt = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.6), ["Na", "Cl"], [[0, 0, 0], [0.5, 0, 0]])
    caesium = Structure(Lattice.cubic(3.4), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    primitive = rock_salt.get_primitive_structure()
    moved = [primitive.copy() for _ in range(3)]
    for copy, distance in zip(moved, (0.02, 0.03, 0.0), strict=True):
        copy.perturb(distance, seed=1)
    broken = Structure(Lattice.cubic(3.4), ["Na", "Cl"], [[0, 0, 0], [0.01, 0, 0]])
    return [caesium, *moved, broken, caesium.copy()]


def test_the_largest_cluster_comes_first(samples):
    clusters = rank_by_agreement(samples)
    assert [set(cluster.members) for cluster in clusters] == [{1, 2, 3}, {0, 5}]
    assert clusters[0].share == 0.5
    assert clusters[0].space_group == "Fm-3m"
    assert clusters[1].space_group == "Pm-3m"


def test_order_does_not_matter(samples):
    order = np.random.default_rng(0).permutation(len(samples))
    clusters = rank_by_agreement([samples[i] for i in order])
    assert [{int(order[i]) for i in cluster.members} for cluster in clusters] == [{1, 2, 3}, {0, 5}]


def test_colliding_and_flat_cells_are_not_usable(samples):
    assert not is_usable(samples[4])
    assert not is_usable(
        Structure(Lattice(np.diag([3.0, 3.0, np.nan])), ["Na"], [[0, 0, 0]], validate_proximity=False)
    )
    assert is_usable(samples[0])
