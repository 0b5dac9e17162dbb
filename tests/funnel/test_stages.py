"""What sanitise and duplicates say of known crystals."""

import numpy as np
import pytest

from nucleate.errors import RecipeError
from nucleate.funnel.duplicates import Duplicates
from nucleate.funnel.sanitise import Sanitise
from nucleate.work import Work
from tests.funnel.crystals import caesium_chloride, candidates, doubled, rocksalt, zincblende


def reasons(stage, *cells):
    return [one.reason for one in stage.judge(candidates(*cells), Work())]


def test_sanitise_names_what_is_wrong():
    far = rocksalt()._replace(frac=np.full((2, 3), np.nan))
    near, heavy = rocksalt()._replace(frac=np.array([[0.0, 0, 0], [0.1, 0.1, 0.1]])), rocksalt(200, 17)
    cells = (
        rocksalt(),
        rocksalt(length=2.0),
        near,
        rocksalt(length=40),
        far,
        heavy,
        rocksalt(56, 9),
    )
    found = reasons(Sanitise(), *cells)
    assert found == [
        "",
        "too dense",
        "atoms too close",
        "too thin",
        "not finite",
        "unknown element",
        "charge",
    ]


def test_sanitise_looks_for_elements():
    assert reasons(Sanitise(without=("Cl",)), rocksalt(), rocksalt(11, 9, 4.6)) == ["element not allowed", ""]
    assert reasons(Sanitise(only=("Na", "Cl")), rocksalt(), rocksalt(11, 9, 4.6)) == [
        "",
        "element not allowed",
    ]
    assert reasons(Sanitise(needs=("F",)), rocksalt(), rocksalt(11, 9, 4.6)) == ["element missing", ""]
    assert reasons(Sanitise(kinds=(3, 4)), rocksalt()) == ["number of elements"]
    assert reasons(Sanitise(atoms=2), rocksalt(), doubled(rocksalt())) == ["", "too many atoms"]


def test_a_stricter_distance_rejects_more():
    gap = 5.64 / 2 / (1.66 + 1.02)
    assert reasons(Sanitise(closest=gap - 0.01), rocksalt()) == [""]
    assert reasons(Sanitise(closest=gap + 0.01), rocksalt()) == ["atoms too close"]


@pytest.mark.parametrize(
    "settings",
    [{"closest": 0.1}, {"atoms": 0}, {"kinds": (3, 2)}, {"kinds": (1,)}, {"needs": ("Xx",)},
     {"needs": ("Li",), "without": ("Li",)}, {"needs": ("Li",), "only": ("Na",)},
     {"needs": ("Li", "O", "S"), "kinds": (1, 2)}],
)  # fmt: skip
def test_limits_that_contradict_each_other_are_refused(settings):
    with pytest.raises(RecipeError) as caught:
        Sanitise(**settings)
    assert caught.value.hint


def test_of_the_same_crystals_the_first_stays():
    given = candidates(rocksalt(), doubled(rocksalt(length=5.7)), zincblende(), rocksalt(length=5.9))
    found = Duplicates().judge(given, Work())
    assert [one.outcome for one in found] == ["passed", "rejected", "passed", "rejected"]
    assert found[1].detail == found[3].detail == "of given-0000000"


def test_of_the_same_crystals_the_lowest_stays():
    given = [
        one.__class__(one.id, one.source, one.cell, {"energy": energy})
        for one, energy in zip(candidates(rocksalt(), rocksalt(), rocksalt()), (2.0, 1.0, None), strict=True)
    ]
    found = Duplicates(lowest="energy").judge(given, Work())
    assert [one.outcome for one in found] == ["rejected", "passed", "rejected"]


def test_parties_are_reduced_formulas():
    given = candidates(rocksalt(), doubled(rocksalt()), caesium_chloride(), rocksalt(17, 11))
    first, same, other, turned = map(Duplicates().party, given)
    assert first == same == turned != other
