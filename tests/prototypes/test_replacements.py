"""Which element takes another's place: against all pairs of compositions, one by one."""

from __future__ import annotations

from collections import defaultdict
from itertools import permutations

import numpy as np
import pytest
from pymatgen.core import Composition

from nucleate.elements import ATOMIC_NUMBERS
from nucleate.prototypes.files import read_index
from nucleate.prototypes.index import Index
from nucleate.prototypes.replacements import COMMON, LEAST_KEPT, PRIOR, Replacements
from nucleate.prototypes.shipped import INDEX


@pytest.fixture(scope="module")
def index() -> Index:
    every = read_index(INDEX).of_sources({"mp_20"})
    return every.select(np.flatnonzero(np.isin(every.number, [123, 225, 221]))[:250])


def by_pairs(index: Index) -> tuple[dict, dict]:
    """How many pairs of compositions exchange one element for another, and how many share a prototype."""
    prototypes = defaultdict(set)
    for entry in range(len(index)):
        cell = index.cell(entry)
        numbers, counts = np.unique(cell.species, return_counts=True)
        formula = Composition({f"{_symbol(z)}": int(n) for z, n in zip(numbers, counts, strict=True)})
        prototypes[formula.reduced_composition].add(str(index.label[entry]))
    pairs, same = defaultdict(int), defaultdict(int)
    for one, other in permutations(prototypes, 2):
        lost = {str(e): n for e, n in one.items() if other[e] != n}
        won = {str(e): n for e, n in other.items() if one[e] != n}
        if len(lost) == len(won) == 1 and set(lost) != set(won) and [*lost.values()] == [*won.values()]:
            change = ATOMIC_NUMBERS[next(iter(lost))], ATOMIC_NUMBERS[next(iter(won))]
            pairs[change] += 1
            same[change] += bool(prototypes[one] & prototypes[other])
    return pairs, same


def _symbol(number: int) -> str:
    return {z: symbol for symbol, z in ATOMIC_NUMBERS.items()}[int(number)]


def test_shares_are_those_of_all_pairs(index: Index) -> None:
    found, (pairs, same) = Replacements.of_index(index), by_pairs(index)
    assert len(pairs) > 100
    assert 0 < sum(same.values()) < sum(pairs.values())
    for (old, new), number in pairs.items():
        expected = (same[old, new] + PRIOR * COMMON) / (number + PRIOR)
        assert found.kept[old, new] == pytest.approx(expected)
    assert (found.kept == COMMON).sum() == found.kept.size - len(pairs)


def test_chances_prefer_what_keeps_the_structure(index: Index) -> None:
    found, (_, same) = Replacements.of_index(index), by_pairs(index)
    rows = found.chance.sum(1)
    assert np.isclose(rows[rows > 0], 1).all()
    assert (found.kept[found.chance > 0] >= LEAST_KEPT).all()
    assert (np.diag(found.chance) == 0).all()
    old = int(np.argmax((found.chance > 0).sum(1)))
    weights = {
        new: n * found.kept[old, new]
        for (z, new), n in same.items()
        if z == old and found.kept[old, new] >= LEAST_KEPT
    }
    for new, weight in weights.items():
        assert found.chance[old, new] == pytest.approx(weight / sum(weights.values()))
    np.testing.assert_allclose(found.expected, (found.chance * found.kept).sum(1))


def test_neighbours_of_the_shipped_index_are_chemical() -> None:
    found = Replacements.of_index(read_index(INDEX).of_sources({"mp_20"}))
    for old, likely in (("Cl", {"Br", "I"}), ("Sr", {"Ba", "Ca", "Eu"}), ("Fe", {"Co", "Mn", "Ni"})):
        best = np.argsort(found.chance[ATOMIC_NUMBERS[old]])[::-1]
        assert {_symbol(z) for z in best[: len(likely)]} == likely
