"""Placed sites have their space group, their volume and their sites."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.families.wyckoff.placing import place, shortest_distance
from nucleate.symmetry.finding import find_sites
from nucleate.symmetry.sites import Sites
from tests.families.wyckoff.cases import OLIVINE, SPINEL

SITES = [
    OLIVINE,
    SPINEL,
    Sites(166, ("a", "c"), (83, 34)),
    Sites(14, ("e", "e"), (8, 40)),
    Sites(2, ("a", "i"), (8, 40)),
    Sites(88, ("a", "b", "f"), (20, 74, 8)),
]


@pytest.mark.parametrize("sites", SITES, ids=lambda sites: str(sites.number))
def test_a_placed_crystal_has_the_requested_sites(sites: Sites) -> None:
    placed = place(sites, 12.0 * sites.atoms, np.random.default_rng(0))
    cell = placed.to_cell()
    assert cell.volume == pytest.approx(12.0 * sites.atoms)
    assert placed == sites
    assert find_sites(cell, 1e-5).canonical() == sites.canonical()


def test_more_tries_keep_atoms_further_apart() -> None:
    def mean(tries: int) -> float:
        generator = np.random.default_rng(1)
        return float(
            np.mean([shortest_distance(place(OLIVINE, 290, generator, tries).to_cell()) for _ in range(10)])
        )

    assert mean(20) > 1.3 * mean(1)


def test_the_shortest_distance_of_rock_salt() -> None:
    cell = Sites(225, ("a", "b"), (11, 17), np.zeros(0), 5.64 * np.eye(3)).to_cell()
    assert shortest_distance(cell) == pytest.approx(2.82)
