"""Ranking by agreement: clusters do not depend on the order of the samples."""

from itertools import permutations

import numpy as np
import pytest
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure
from scipy.sparse.csgraph import connected_components

from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.metrics import ranking
from nucleate.metrics.ranking import RANKED, rank_by_agreement
from nucleate.metrics.reduction import reduce_cell
from tests.metrics.crystals_for_tests import known_crystals, perturbed


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


def test_the_best_supported_cluster_comes_first(samples):
    clusters = rank_by_agreement(samples)
    assert [set(cluster.members) for cluster in clusters] == [{1, 2, 3}, {0, 5}]
    assert clusters[0].share == 0.5
    assert clusters[0].space_group == "Fm-3m"
    assert clusters[1].space_group == "Pm-3m"


def test_order_does_not_matter(samples):
    order = np.random.default_rng(0).permutation(len(samples))
    clusters = rank_by_agreement([samples[i] for i in order])
    assert [{int(order[i]) for i in cluster.members} for cluster in clusters] == [{1, 2, 3}, {0, 5}]


def test_of_clusters_with_one_support_the_denser_comes_first():
    """Three shapes of one cell, none of which matches another, in every order."""
    dense, middle, thin = (
        Structure(Lattice.tetragonal(a, c), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
        for a, c in ((3.0, 3.0), (3.2, 5.0), (3.2, 9.0))
    )
    for order in permutations([dense, middle, thin]):
        clusters = rank_by_agreement(list(order))
        volumes = [order[cluster.members[0]].volume for cluster in clusters]
        assert volumes == sorted(volumes)
        assert len(volumes) == 3


def noisy_samples(index: int, count: int) -> list[Structure]:
    """Copies of a known crystal from close to beyond recognition."""
    rng = np.random.default_rng(index)
    levels = ((0.05, 0.01), (0.25, 0.04), (0.5, 0.06))
    return [perturbed(known_crystals()[index], rng, *levels[i % 3]) for i in range(count)]


def test_ranks_and_representatives_do_not_depend_on_the_order_either():
    samples = noisy_samples(5, 12)
    first = rank_by_agreement(samples)
    assert len(first) > 2
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(samples))
        again = rank_by_agreement([samples[i] for i in order])
        assert [order[cluster.members[0]] for cluster in again] == [cluster.members[0] for cluster in first]
        assert [{order[i] for i in c.members} for c in again] == [set(c.members) for c in first]


@pytest.mark.parametrize("index", [1, 7, 8])
def test_clusters_are_the_components_of_all_pairs_under_pymatgen(index):
    samples = noisy_samples(index, 9)
    matcher = StructureMatcher()
    linked = [[matcher.get_rms_dist(a, b) is not None for b in samples] for a in samples]
    labels = connected_components(np.array(linked))[1]
    expected = {frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels.tolist())}
    assert {frozenset(cluster.members) for cluster in rank_by_agreement(samples)} == expected


def test_pairs_that_are_connected_already_are_not_compared(monkeypatch):
    """A long chain needs one comparison a link, and its components come out whole."""
    asked = []

    def distance(i: int, j: int) -> float:
        asked.append((i, j))
        return 0.1 if (j - i) % 2 == 0 and j - i == 2 else np.inf

    groups = ranking._components(40, distance)
    assert groups == [list(range(0, 40, 2)), list(range(1, 40, 2))]
    assert len([pair for pair in asked if (pair[1] - pair[0]) % 2 == 0]) == 38


def test_of_several_with_one_support_the_middle_represents_them():
    def on_a_line(i: int, j: int) -> float:
        return abs(i - j) / 1000

    assert ranking._middle([2, 3, 4, 5, 9], on_a_line) == 4
    assert abs(ranking._middle(list(range(101)), on_a_line) - 50) <= 1


def cells_of(*heights: float) -> list[Structure]:
    """Cells that match if their heights are alike: by a fifth closely, by three tenths with wide tolerances."""
    return [
        Structure(Lattice.tetragonal(3.0, c), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]) for c in heights
    ]


def test_samples_that_are_alike_from_afar_support_each_other():
    """The twins at 9 Å have nobody else; those around 4 Å are no cluster of more than two, but are more."""
    samples = cells_of(9.0, 9.01, 3.4, 4.25, 5.4)
    near, wide = (
        [
            [tolerances.rms(reduce_cell(Cell.of(a)), reduce_cell(Cell.of(b))) is not None for b in samples]
            for a in samples
        ]
        for tolerances in (ranking.DEFAULT_TOLERANCES, ranking.WIDE_TOLERANCES)
    )
    support = (np.array(near).sum(1) + np.array(wide).sum(1) - 2).tolist()
    clusters = rank_by_agreement(samples)
    assert support[clusters[0].members[0]] == max(support)
    ranks = [max(support[i] for i in cluster.members) for cluster in clusters]
    assert ranks == sorted(ranks, reverse=True)
    assert support[0] == support[1] == 2 < max(support)


def test_many_samples_are_compared_with_some(monkeypatch):
    monkeypatch.setattr(ranking, "OTHERS", 4)
    samples = noisy_samples(5, 9)
    asked = ranking._Pairs([None] * 9, 1.0).others
    assert asked == [0, 3, 5, 8]
    first = rank_by_agreement(samples)
    assert sorted(i for cluster in first for i in cluster.members) == list(range(9))
    again = rank_by_agreement(samples[::-1])
    assert [8 - cluster.members[0] for cluster in again] == [cluster.members[0] for cluster in first]


def test_failed_comparisons_are_counted(samples, monkeypatch):
    def never(self, first, second):
        raise TimeoutError

    monkeypatch.setattr(ranking.Matcher, "rms", never)
    clusters = rank_by_agreement(samples)
    assert [len(cluster.members) for cluster in clusters] == [1] * 5
    assert [cluster.undecided for cluster in clusters] == [4] * 5


def test_colliding_and_flat_cells_are_not_usable(samples):
    broken = Structure(Lattice(np.diag([3.0, 3.0, np.nan])), ["Na"], [[0, 0, 0]], validate_proximity=False)
    found = [defect(Cell.of(structure), RANKED) for structure in (samples[4], broken, samples[0])]
    assert found == ["atoms_too_close", "not_finite", None]
