"""Retrieval: the right prototypes with the right elements in their roles, each structure once, volumes fitted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.core.structure_matcher import StructureMatcher

from nucleate.cell import Cell
from nucleate.data.columns import make_tables
from nucleate.errors import FormulaError
from nucleate.prototypes.candidates import Families, candidates_of
from nucleate.prototypes.chemistry import element_distances, element_vectors
from nucleate.prototypes.distinct import Distinct, alike
from nucleate.prototypes.index import index_of
from nucleate.prototypes.retrieve import Prototypes, checked
from nucleate.prototypes.substitute import repeated, substituted
from nucleate.prototypes.volumes import Volumes, shares_of

ROCK_SALT = ("Fm-3m", [[0, 0, 0], [0.5, 0.5, 0.5]])
CAESIUM = ("Pm-3m", [[0, 0, 0], [0.5, 0.5, 0.5]])
HEUSLER = ("F-43m", [[0, 0, 0], [0.25, 0.25, 0.25], [0.5, 0.5, 0.5]])
CRYSTALS = {
    "LiF": (*ROCK_SALT, Lattice.cubic(4.03), ["Li", "F"], 0.0),
    "KCl": (*ROCK_SALT, Lattice.cubic(6.29), ["K", "Cl"], 0.0),
    "CsCl": (*CAESIUM, Lattice.cubic(4.12), ["Cs", "Cl"], 0.05),
    "CsBr": (*CAESIUM, Lattice.cubic(4.29), ["Cs", "Br"], 0.01),
    "TiNiSn": (*HEUSLER, Lattice.cubic(5.95), ["Ti", "Ni", "Sn"], 0.0),
    "ZnO": (
        "P6_3mc",
        [[1 / 3, 2 / 3, 0], [1 / 3, 2 / 3, 0.38]],
        Lattice.hexagonal(3.25, 5.2),
        ["Zn", "O"],
        0.0,
    ),
}


def structure(name: str) -> Structure:
    group, places, lattice, elements, _ = CRYSTALS[name]
    return Structure.from_spacegroup(group, lattice, elements, places).get_primitive_structure()


@pytest.fixture(scope="module")
def prototypes() -> Prototypes:
    rows = [(name, Cell.of(structure(name)), {"e_above_hull": CRYSTALS[name][4]}) for name in CRYSTALS]
    return Prototypes(index_of(make_tables({"train": rows})["train"], "known"))


def matches(proposal, other: Structure) -> bool:
    return StructureMatcher().fit(proposal.cell.to_structure(), other)


def test_the_nearest_crystal_comes_first_with_its_elements_swapped(prototypes):
    first, second = prototypes.propose({11: 1, 17: 1}, known="other")
    assert (first.name, second.name) == ("KCl", "CsCl")
    assert first.prototype == "AB_cF8_225_a_b"
    assert first.space_group == 225
    rock_salt = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.6), ["Na", "Cl"], ROCK_SALT[1])
    assert matches(first, rock_salt)
    assert not matches(second, rock_salt)
    assert first.votes > 1  # LiF says the same


def test_known_crystals_near_the_hull_come_first_or_last(prototypes):
    first = prototypes.propose({55: 1, 35: 1}, known="include")[0]
    assert first.known
    assert first.name == "CsBr"
    far = prototypes.propose({55: 1, 17: 1}, known="include")[0]
    assert far.name == "CsCl"  # the nearest, though 0.05 eV/atom above the hull
    other = prototypes.propose({55: 1, 35: 1}, known="other")
    assert not other[0].known
    assert other[0].name == "CsCl"


def test_roles_of_one_count_are_assigned_in_every_distinct_way(prototypes):
    """A half-Heusler has three: which element is on the site between the two others."""
    found = prototypes.propose({22: 1, 27: 1, 51: 1})
    assert len(found) == 3
    assert matches(
        found[0], Structure.from_spacegroup("F-43m", Lattice.cubic(5.9), ["Ti", "Co", "Sb"], HEUSLER[1])
    )


def test_other_numbers_of_formula_units(prototypes):
    assert {p.prototype for p in prototypes.propose({12: 1, 8: 1}, cells="any")} == {
        "AB_cF8_225_a_b", "AB_cP2_221_a_b", "AB_hP4_186_b_b"
    }  # fmt: skip
    same = prototypes.propose({12: 2, 8: 2})
    assert same[0].prototype == "AB_hP4_186_b_b"
    assert {p.units for p in same[1:]} == {2}
    for proposal in same:
        assert Counter(proposal.cell.species.tolist()) == {12: 2, 8: 2}
    rock_salt = Structure.from_spacegroup("Fm-3m", Lattice.cubic(4.2), ["Mg", "O"], ROCK_SALT[1])
    assert any(matches(p, rock_salt) for p in same)


def test_a_formula_without_entries_has_no_proposals(prototypes):
    assert prototypes.propose({26: 2, 8: 3}) == []


def test_entries_can_be_left_out(prototypes):
    assert "KCl" not in {p.name for p in prototypes.propose({11: 1, 17: 1}, without=[1])}


@pytest.mark.parametrize("composition", [{}, {0: 1}, {119: 2}, [11, -1]])
def test_impossible_compositions_are_refused(composition):
    with pytest.raises(FormulaError):
        checked(composition)


def test_the_same_question_has_the_same_answer(prototypes):
    one, other = (prototypes.propose({11: 1, 17: 1}) for _ in range(2))
    for first, second in zip(one, other, strict=True):
        np.testing.assert_array_equal(first.cell.frac, second.cell.frac)
        np.testing.assert_array_equal(first.cell.lattice, second.cell.lattice)


def test_distances_are_means_over_atoms_for_the_best_of_all_orders(prototypes):
    """Against a plain loop over all permutations."""
    table = element_distances()
    composition = {22: 1, 27: 1, 51: 1}
    found = candidates_of(Families(prototypes.index), composition, "same", table)
    assert found is not None
    heusler = list(CRYSTALS).index("TiNiSn")
    old = prototypes.index.elements[prototypes.index.roles(heusler)]
    slow = [
        np.mean([table[new, was] for new, was in zip(order, old, strict=True)])
        for order in permutations(composition)
    ]
    np.testing.assert_allclose(np.sort(found.distance), np.sort(slow))
    assert not found.known.any()


def second_moved(cell: Cell, by: float) -> np.ndarray:
    frac = cell.frac.copy()
    frac[1, 2] += by
    return frac


def test_similar_cells_need_no_matcher_and_different_ones_stay_apart():
    cell = Cell.of(structure("ZnO"))
    moved = Cell(cell.species, second_moved(cell, 1.001), 1.2 * cell.lattice)
    assert alike(cell, moved)
    assert not alike(cell, Cell(cell.species, cell.frac, cell.lattice @ np.diag([1, 1, 1.3])))
    assert not alike(cell, Cell(cell.species, second_moved(cell, 0.1), cell.lattice))
    distinct = Distinct()
    assert distinct.place(1, cell) == (0, True)
    assert distinct.place(1, moved) == (0, False)
    assert distinct.place(2, repeated(moved, 2)) == (0, False)
    assert distinct.place(3, Cell.of(structure("KCl"))) == (1, True)


def test_repeated_cells_are_the_same_crystal():
    cell = Cell.of(structure("ZnO"))
    six = repeated(cell, 6)
    assert len(six.species) == 24
    assert six.volume == pytest.approx(6 * cell.volume)
    assert StructureMatcher().fit(six.to_structure(), cell.to_structure())
    assert repeated(cell, 1) is cell


def test_a_fit_recovers_volumes_that_depend_on_surroundings():
    """A law that the fit can hold exactly, at compositions that it has not seen."""
    random = np.random.default_rng(0)
    elements = [3, 9, 11, 26]
    law = np.array([[10.0, 12.0, 25.0, 11.0], [1.0, -1.5, 0.5, 0.0], [0.5, 1.0, -1.0, 2.0]])
    pull = element_vectors()[elements, 3]

    def crystals(count: int) -> tuple[np.ndarray, np.ndarray]:
        counts = random.integers(1, 9, (count, 4))
        some = counts / counts.sum(1, keepdims=True)
        mean = some @ pull
        spread = np.sqrt(some @ pull**2 - mean**2)
        per_atom = some @ law[0] + mean * (some @ law[1]) + spread * (some @ law[2])
        return shares_of(
            np.tile(elements, count), counts.reshape(-1), np.arange(0, 4 * count + 1, 4)
        ), per_atom

    shares, per_atom = crystals(3000)
    assert shares.sum(1) == pytest.approx(1)
    fitted = Volumes.fit(shares, per_atom)
    others, truth = crystals(50)
    assert fitted.per_atom(others) == pytest.approx(truth, rel=0.005)
    assert fitted.of({3: 2, 9: 2}) == pytest.approx(
        4 * fitted.per_atom(shares_of(np.array([3, 9]), np.ones(2), np.array([0, 2])))[0]
    )


def test_substitution_scales_by_the_volumes_of_the_compositions():
    each = np.ones(101)
    each[[37, 35]] = (30.0, 34.0)
    cell = Cell.of(structure("KCl"))
    swapped = substituted(cell, np.array([19, 17]), np.array([37, 35]), Volumes(each, np.zeros((2, 101))))
    assert sorted(swapped.species.tolist()) == [35, 37]
    assert swapped.volume == pytest.approx(32 * cell.volume)


def test_elements_of_a_group_are_nearer_than_others():
    table = element_distances()
    assert table[11, 19] < table[11, 17]
    assert table[57, 58] < table[57, 22]
    assert (table == table.T).all()
    assert (np.diag(table) == 0).all()
    assert np.isfinite(table).all()


def test_the_shipped_index_answers():
    found = Prototypes.open(sources={"mp_20"}).propose({38: 1, 22: 1, 8: 3}, 3)
    assert found[0].prototype == "ABC3_cP5_221_a_b_c"
    assert found[0].cell.lattice[0, 0] == pytest.approx(3.9, abs=0.1)
    assert {p.source for p in found} == {"mp_20"}


def test_what_handbooks_report_comes_first_in_their_order_or_that_on_the_hull_does(prototypes):
    """CsBr and CsCl in both structures; energies alone put the one on the hull first."""
    salt = Structure.from_spacegroup("Fm-3m", Lattice.cubic(6.9), ["Cs", "Br"], ROCK_SALT[1])
    rows = [
        ("other", Cell.of(salt.get_primitive_structure()), {"e_above_hull": 0.0}),
        ("first", Cell.of(structure("CsBr")), {"e_above_hull": 0.03}),
    ]
    index = index_of(make_tables({"train": rows})["train"], "known")

    def order(*reported: int) -> list[str]:
        found = Prototypes(replace(index, reported=np.array(reported))).propose({55: 1, 35: 1})
        assert [one.reported for one in found] == [
            reported[["other", "first"].index(one.name)] > 0 for one in found
        ]
        return [one.name for one in found]

    assert order(0, 0) == ["other", "first"]
    assert order(0, 3) == ["first", "other"]
    assert order(2, 3) == ["other", "first"]
    assert order(4, 3) == ["other", "first"]  # of two that are reported, the one on the hull


@pytest.mark.parametrize(
    ("formula", "first"),
    [
        ({14: 1}, "A_cF8_227_a"), ({26: 1}, "A_cI2_229_a"), ({22: 1, 8: 2}, "AB2_tP6_136_a_f"),
        ({13: 2, 8: 3}, "A2B3_hR30_167_c_e"), ({55: 1, 17: 1}, "AB_cP2_221_a_b"), ({30: 1, 16: 1}, "AB_cF8_216_a_c"),
        ({26: 1, 16: 2}, "AB2_cP12_205_a_c"), ({20: 1, 6: 1, 8: 3}, "ABC3_hR30_167_a_b_e"),
    ],
)  # fmt: skip
def test_the_shipped_index_knows_what_handbooks_report(shipped, formula, first):
    found = shipped.propose(formula, 2, cells="any")[0]
    assert (found.prototype, found.known, found.reported) == (first, True, True)


@pytest.fixture(scope="module")
def shipped() -> Prototypes:
    return Prototypes.open()
