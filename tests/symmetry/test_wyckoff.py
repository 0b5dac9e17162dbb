"""The table of Wyckoff positions against moyo's operations and letters, and against rules that every group obeys."""

from __future__ import annotations

import moyopy
import numpy as np
import pytest

from nucleate.cell import Cell
from nucleate.errors import StructureError
from nucleate.symmetry.orbits import matches, operations, orbit
from nucleate.symmetry.sites import Sites
from nucleate.symmetry.wyckoff import CENTRINGS, space_group

EVERY = [space_group(number) for number in range(1, 231)]


def test_there_are_1731_positions_of_known_freedom() -> None:
    freedom = [position.freedom for group in EVERY for position in group.positions]
    assert len(freedom) == 1731
    assert np.bincount(freedom).tolist() == [616, 718, 167, 230]


@pytest.mark.parametrize("primitive", [True, False])
def test_orbits_are_as_large_as_their_multiplicity_and_carried_into_themselves(primitive: bool) -> None:
    free = np.random.default_rng(0).random(3)
    for group in EVERY:
        rotations, translations = operations(group.number, primitive)
        for position in group.positions:
            one = orbit(group.number, position.letter, primitive)
            places = one.places(free[: position.freedom])
            assert len(one) * (group.lattice_points if primitive else 1) == position.multiplicity
            assert np.array_equal(one.linear, np.round(one.linear))
            moved = rotations @ places[0] + translations
            assert all(len(matches(places, place)) == 1 for place in moved)


def test_the_general_position_is_last_and_site_symmetry_divides_the_order() -> None:
    for group in EVERY:
        order = len(operations(group.number, primitive=False)[0])
        assert group.positions[-1].multiplicity == order
        assert group.positions[-1].freedom == 3
        assert all(order % position.multiplicity == 0 for position in group.positions)


def test_centrings_are_those_of_moyo() -> None:
    theirs = {}
    for hall in range(1, 531):
        centring = moyopy.HallSymbolEntry(hall).centering
        theirs[str(centring).strip('"')] = centring.linear
    assert {name: np.array(theirs[name]).tolist() for name in CENTRINGS} == {
        name: np.array(matrix).tolist() for name, matrix in CENTRINGS.items()
    }


METRICS = {
    "triclinic": (4.7, 5.3, 6.1, 81.0, 97.0, 74.0),
    "monoclinic": (4.7, 5.3, 6.1, 90.0, 103.0, 90.0),
    "orthorhombic": (4.7, 5.3, 6.1, 90.0, 90.0, 90.0),
    "tetragonal": (4.7, 4.7, 6.1, 90.0, 90.0, 90.0),
    "hexagonal": (4.7, 4.7, 6.9, 90.0, 90.0, 120.0),
    "cubic": (6.1, 6.1, 6.1, 90.0, 90.0, 90.0),
}


def some_lattice(number: int) -> np.ndarray:
    from pymatgen.core import Lattice

    family = moyopy.SpaceGroupType(number).crystal_family.lower()
    return np.array(Lattice.from_parameters(*METRICS[family]).matrix)


@pytest.mark.parametrize("number", range(1, 231))
def test_moyo_finds_the_group_and_letters_of_the_sites(number: int) -> None:
    """Every position in turn beside a general one: the letters agree but for a choice of origin or axes."""
    group, generator = space_group(number), np.random.default_rng(number)
    general = group.letters[-1]
    for letter in group.letters[:-1] or [general]:
        letters = tuple(sorted((letter, general), key=group.letters.index))
        free = 0.05 + 0.4 * generator.random(Sites(number, letters, (5, 8)).freedom)
        sites = Sites(number, letters, (5, 8), free, some_lattice(number))
        cell = sites.to_cell()
        found = moyopy.MoyoDataset(
            moyopy.Cell(cell.lattice.tolist(), cell.frac.tolist(), cell.species.tolist()),
            symprec=1e-5,
            setting=moyopy.Setting.standard(),
        )
        assert found.number == number
        assert len(found.prim_std_cell.numbers) == len(cell.species)
        theirs = tuple(found.wyckoffs[i] for i in (0, len(cell.species) - 1))
        assert Sites(number, theirs, (5, 8)).canonical() == Sites(number, letters, (5, 8)).canonical()


def test_unknown_groups_and_letters_are_refused() -> None:
    with pytest.raises(StructureError, match="no space group 231"):
        space_group(231)
    with pytest.raises(StructureError, match="no Wyckoff position 'z'"):
        space_group(225)["z"]


def test_conventional_and_primitive_cells_are_one_crystal() -> None:
    sites = Sites(225, ("a", "b"), (11, 17), np.zeros(0), 5.64 * np.eye(3))
    small, large = sites.to_cell(), sites.to_cell(primitive=False)
    assert isinstance(small, Cell)
    assert small.species.tolist() == [11, 17]
    assert np.bincount(large.species)[[11, 17]].tolist() == [4, 4]
    assert np.isclose(large.volume / small.volume, 4)
    assert np.isclose(np.linalg.norm(small.lattice, axis=1), 5.64 / 2**0.5).all()
