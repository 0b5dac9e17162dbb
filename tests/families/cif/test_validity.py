"""The published checks find what is wrong with a text, one thing at a time."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.families.cif.validity import Validity, reasonable, validity
from nucleate.families.cif.writing import written
from nucleate.symmetry.sites import Sites


def perovskite(edge: float = 3.95) -> str:
    return written(Sites(221, ("a", "b", "c"), (38, 22, 8), np.zeros(0), edge * np.eye(3)))


def test_a_known_crystal_is_valid() -> None:
    assert validity(perovskite()) == Validity(True, True, 1.0, True)
    assert validity(perovskite()).valid


@pytest.mark.parametrize(
    ("old", "new", "which"),
    [
        ("data_Sr1", "data_Sr2", {"formula": False}),
        ("'Sr1 Ti1 O3'", "'Sr1 Ti1 O6'", {"formula": False, "multiplicity": False}),
        ("'Sr1 Ti1 O3'", "'Sr2 Ti2 O6'", {"multiplicity": False}),
        ("Ti Ti1 1 0.5000 0.5000 0.5000", "Ti Ti1 1 0.3000 0.5000 0.5000", {"bonds": 0.0, "group": False}),
    ],
)
def test_each_check_finds_its_fault(old: str, new: str, which: dict[str, object]) -> None:
    text = perovskite()
    assert old in text
    found = vars(validity(text.replace(old, new)))
    assert {name: found[name] for name in which} == which
    assert all(found[name] in (True, 1.0) for name in found.keys() - which.keys())


def test_a_cell_that_is_too_small_or_too_large_has_unreasonable_bonds() -> None:
    for edge in (2.5, 9.0):
        found = validity(perovskite(edge))
        assert found.bonds < 1
        assert found.formula
        assert found.multiplicity
        assert found.group
        assert not found.valid


def test_a_group_that_is_not_the_crystals_is_found() -> None:
    """A cubic perovskite that is written as tetragonal."""
    tetragonal = Sites(123, ("a", "d", "b", "f"), (38, 22, 8, 8), np.zeros(0), 3.95 * np.eye(3))
    assert not validity(written(tetragonal)).group


def test_lengths_are_judged_by_the_radii_of_their_kind() -> None:
    """Si: atomic radius 1.1 Å. Na and Cl: ionic radii 1.16 and 1.67 Å, whose sum is above that of the atomic ones."""
    from pymatgen.core import Element

    silicon, hydrogen, sodium, chlorine = map(Element, ("Si", "H", "Na", "Cl"))
    for length, good in ((2.2 * 1.31, True), (2.2 * 1.33, False), (2.2 * 0.69, True), (2.2 * 0.67, False)):
        assert reasonable(silicon, silicon, length) is good
    assert reasonable(silicon, hydrogen, 1.35 * 2.4)
    assert not reasonable(hydrogen, silicon, 1.35 * 2.6)
    assert reasonable(sodium, chlorine, 3.71)
    assert not reasonable(sodium, chlorine, 2.83 * 1.33)


def test_what_is_no_crystal_is_not_valid() -> None:
    assert validity("data_Sr1\n") == Validity(False, False, 0.0, False)
