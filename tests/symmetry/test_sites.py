"""Sites of crystals: found, written back as the same crystal, compared under the normaliser, counted."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure

from nucleate.cell import Cell
from nucleate.errors import StructureError
from nucleate.symmetry.combinations import combinations
from nucleate.symmetry.finding import find_sites, free_parameters
from nucleate.symmetry.holding import can_fill, can_hold, most_sites
from nucleate.symmetry.orbits import orbit
from nucleate.symmetry.sites import Sites
from nucleate.symmetry.wyckoff import space_group

RUTILE = Structure.from_spacegroup(
    136, Lattice.tetragonal(4.594, 2.959), ["Ti", "O"], [[0, 0, 0], [0.305, 0.305, 0]]
)
QUARTZ = Structure.from_spacegroup(
    152, Lattice.hexagonal(4.913, 5.405), ["Si", "O"], [[0.4697, 0, 1 / 3], [0.4133, 0.2672, 0.2144]]
)
WURTZITE = Structure.from_spacegroup(
    186, Lattice.hexagonal(3.82, 6.26), ["Zn", "S"], [[1 / 3, 2 / 3, 0], [1 / 3, 2 / 3, 0.375]]
)
CALCITE = Structure.from_spacegroup(
    167, Lattice.hexagonal(4.99, 17.06), ["Ca", "C", "O"], [[0, 0, 0], [0, 0, 0.25], [0.257, 0, 0.25]]
)


@pytest.mark.parametrize("structure", [RUTILE, QUARTZ, WURTZITE, CALCITE])
def test_sites_give_the_crystal_back(structure: Structure) -> None:
    sites = find_sites(Cell.of(structure), 1e-3)
    back = sites.to_cell()
    assert len(back.species) == len(structure.get_primitive_structure())
    assert StructureMatcher(ltol=0.01, stol=0.01, angle_tol=0.1).fit(structure, back.to_structure())
    assert find_sites(back, 1e-5).canonical() == sites.canonical()
    assert sites.counts == {int(z): int((back.species == z).sum()) for z in np.unique(back.species)}


def test_known_letters_and_parameters() -> None:
    rutile = find_sites(Cell.of(RUTILE), 1e-3)
    assert (rutile.number, rutile.letters, rutile.species) == (136, ("a", "f"), (22, 8))
    assert rutile.free is not None
    assert np.isclose(np.abs(rutile.free - 0.5), 0.195, atol=1e-6).all()


def test_free_parameters_are_found_from_any_order_of_atoms() -> None:
    free = np.array([0.31, 0.17])
    places = orbit(166, "h", primitive=False).places(free)[::-1]
    found = free_parameters(166, "h", places)
    again = orbit(166, "h", primitive=False).places(found)
    apart = (again[:, None] - places + 0.5) % 1 - 0.5
    assert (np.abs(apart).max(-1).min(0) < 1e-9).all()
    with pytest.raises(StructureError, match="miss Wyckoff position 'h'"):
        free_parameters(166, "h", places + np.array([0.1, 0.02, 0.0]))


def test_the_choice_of_origin_does_not_change_the_sites() -> None:
    rock_salt = Sites(225, ("a", "b"), (11, 17))
    swapped = Sites(225, ("a", "b"), (17, 11))
    assert rock_salt != swapped
    assert rock_salt.canonical() == swapped.canonical()
    assert Sites(225, ("a", "c"), (11, 17)).canonical() != rock_salt.canonical()


def test_a_fixed_point_is_occupied_once() -> None:
    with pytest.raises(StructureError, match="occupied 2 times"):
        Sites(225, ("a", "a"), (11, 17))
    assert Sites(136, ("f", "f"), (8, 9)).counts == {8: 4, 9: 4}


def brute_force(number: int, counts: dict[int, int]) -> set[tuple[tuple[str, int], ...]]:
    """All sets of sites by trying every number of every position for every element."""
    group = space_group(number)
    sizes = [position.multiplicity // group.lattice_points for position in group.positions]
    ways = []
    for atoms in counts.values():
        most = [
            min(atoms // size, atoms if position.freedom else 1)
            for size, position in zip(sizes, group.positions, strict=True)
        ]
        tried = itertools.product(*(range(one + 1) for one in most))
        ways.append(
            [way for way in tried if sum(n * size for n, size in zip(way, sizes, strict=True)) == atoms]
        )
    found = set()
    for chosen in itertools.product(*ways):
        total = np.sum(chosen, axis=0)
        if all(n < 2 or position.freedom for n, position in zip(total, group.positions, strict=True)):
            pairs = [
                (position.letter, element)
                for element, way in zip(counts, chosen, strict=True)
                for n, position in zip(way, group.positions, strict=True)
                for _ in range(n)
            ]
            found.add(tuple(sorted(pairs)))
    return found


@pytest.mark.parametrize("number", [2, 12, 62, 139, 166, 194, 216, 225, 227])
@pytest.mark.parametrize("counts", [{3: 1}, {11: 1, 17: 1}, {22: 2, 8: 4}, {12: 2, 13: 4}])
def test_combinations_are_all_that_hold_the_composition(number: int, counts: dict[int, int]) -> None:
    found = combinations(number, counts, limit=100_000)
    assert all(sites.counts == dict(sorted(counts.items())) for sites in found)
    pairs = [tuple(sorted(zip(sites.letters, sites.species, strict=True))) for sites in found]
    assert len(set(pairs)) == len(pairs)
    assert set(pairs) == brute_force(number, counts)
    assert can_hold(number, counts) == bool(pairs)
    assert combinations(number, counts, 3) == found[:3]


def test_holding_from_a_letter_onwards() -> None:
    last = len(space_group(225).positions) - 1
    assert can_fill(225, ((1, 0), (1, 0)))
    assert not can_fill(225, ((1, 0), (1, 0), (1, 0)))
    assert not can_fill(225, ((1, 2),))
    assert can_fill(225, ((48, last),))


@pytest.mark.parametrize("number", [2, 12, 62, 166, 194, 225])
def test_most_sites_by_trying_all(number: int) -> None:
    for atoms in range(1, 7):
        for first in (0, 1, 3):
            held = combinations(number, {1: atoms}, 100_000)
            letters = space_group(number).letters
            lengths = [
                len(sites.letters)
                for sites in held
                if all(letters.index(one) >= first for one in sites.letters)
            ]
            assert most_sites(number, first, atoms) == max(lengths, default=-1)
    assert most_sites(number, 0, 0) == 0
