"""Targets in words and numbers, against the labels of a training split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nucleate.data.conditions import LEVELS
from nucleate.data.described import Described
from nucleate.errors import FormulaError, ModelError
from nucleate.sampling.labels import Labels
from nucleate.sampling.limits import Limits
from nucleate.sampling.systems import element_system
from nucleate.sampling.targets import conditions_for, elements, guidance_for, named, pairs

GAPS = np.concatenate([np.zeros(600), np.linspace(0.01, 8, 400)])
CARD = {
    "conditions": {
        "gap": {"kind": "number", "known": 1000, "quantiles": np.quantile(GAPS, LEVELS).tolist()},
        "system": {"kind": "category", "known": 1000, "counts": {"cubic": 900, "trigonal": 100}},
        "element_system": {"kind": "elements", "known": 1000},
    }
}
TOLD = (("gap", Described()), ("system", Described("category", categories=("cubic", "trigonal"))),
        ("element_system", Described("elements")))  # fmt: skip


def asked(n=200, seed=0, beyond=False, **targets):
    return conditions_for(targets, TOLD, CARD, n, seed, beyond)


@pytest.mark.parametrize("value", [2, 2.0, "2", " 2 "])
def test_a_value(value):
    rows, warnings = asked(3, gap=value)
    assert rows == [(("gap", 2.0),)] * 3
    assert warnings == []


def test_a_category_and_a_system():
    rows, _ = asked(2, system="trigonal", element_system="Li,O")
    assert rows == [(("system", 1.0), ("element_system", (3, 8)))] * 2


@pytest.mark.parametrize("span", ["2..4", (2, 4)])
def test_a_range_is_drawn_from_as_its_labels_are_spread(span):
    values = np.array([dict(row)["gap"] for row in asked(2000, gap=span)[0]])
    assert values.min() >= 2
    assert values.max() <= 4
    assert np.mean(values) == pytest.approx(3, abs=0.05)
    assert [dict(row)["gap"] for row in asked(5, gap=span)[0]] == values[:5].tolist()


def test_a_range_over_a_peak_asks_for_the_peak_as_often():
    values = np.array([dict(row)["gap"] for row in asked(2000, gap="0..8")[0]])
    assert np.mean(values == 0) == pytest.approx(0.6, abs=0.04)


def test_ranges_with_one_end_and_populated_ends():
    assert max(dict(row)["gap"] for row in asked(gap="7..")[0]) <= 8
    assert min(dict(row)["gap"] for row in asked(gap="7..")[0]) >= 7
    assert max(dict(row)["gap"] for row in asked(gap="..1")[0]) <= 1
    assert dict(asked(1, gap="max")[0][0])["gap"] == pytest.approx(np.quantile(GAPS, 0.99), abs=0.05)
    assert dict(asked(1, gap="min")[0][0])["gap"] == 0


@pytest.mark.parametrize(
    ("value", "share"),
    [(7.9, np.mean(GAPS >= 7.9)), ("7.85..7.95", np.mean((GAPS >= 7.85) & (GAPS <= 7.95)))],
)
def test_few_labels_are_told_with_their_share(value, share):
    _, (warning,) = asked(1, gap=value)
    assert float(warning.partition(": ")[2].partition(" %")[0]) == pytest.approx(100 * share, abs=0.11)
    assert "1000 training rows" in warning


def test_shares_of_labels():
    labels = Labels.of_card("gap", CARD)
    assert labels.share_below(0.0) == pytest.approx(0.6, abs=0.011)
    assert labels.share_under(0.0) == 0.0
    for value in (0.5, 2.0, 7.0):
        assert labels.share_below(value) == pytest.approx(np.mean(value >= GAPS), abs=0.01)
    assert (labels.share_below(-1), labels.share_below(9)) == (0, 1)


def test_beyond_all_labels_only_where_it_is_said():
    rows, (warning,) = asked(2, beyond=True, gap=20)
    assert rows == [(("gap", 20.0),)] * 2
    assert "0 % of 1000" in warning


@pytest.mark.parametrize(
    ("targets", "kind", "message"),
    [
        ({"gap": 20}, FormulaError, "gap = 20 lies outside all 1000 labels"),
        ({"gap": "9..12"}, FormulaError, "gap = 9 to 12 lies outside all"),
        ({"gap": "4..2"}, FormulaError, "4 is above 2"),
        ({"gap": "much"}, FormulaError, "gap=much can't be read"),
        ({"gap": "1..2..3"}, FormulaError, "can't be read"),
        ({"gap": float("nan")}, FormulaError, "can't be read"),
        ({"tc": 3}, ModelError, "is not told 'tc'"),
        ({"system": "cubical"}, FormulaError, "system can't be 'cubical'"),
        ({"element_system": " , "}, FormulaError, "an element system without elements"),
        ({"element_system": "Li,Xx"}, FormulaError, "no element Xx"),
    ],
)
def test_what_can_not_be_asked(targets, kind, message):
    with pytest.raises(kind, match=message) as caught:
        asked(2, **targets)
    assert caught.value.hint


def test_a_model_without_conditions_says_so():
    with pytest.raises(ModelError, match="is not told 'gap'") as caught:
        conditions_for({"gap": 1}, (), {}, 1, 0)
    assert "--adapter" in caught.value.hint


def test_weights():
    targets = {"gap": 1, "tc": 2}
    assert guidance_for({"gap": "2", "tc": (1.5, 0.1, 0.9)}, targets) == (
        ("gap", 2, 0, 1),
        ("tc", 1.5, 0.1, 0.9),
    )
    assert guidance_for({"gap": "2@0.2-0.8"}, targets) == (("gap", 2, 0.2, 0.8),)


@pytest.mark.parametrize(
    ("guidance", "message"),
    [({"gap": -1}, "a weight or times that can't be"), ({"gap": "two"}, "can't be read"),
     ({"gap": "1@0.8-0.2"}, "a weight or times"), ({"other": 1}, "for which nothing is asked"),
     ({"gap": float("nan")}, "a weight or times")],
)  # fmt: skip
def test_weights_that_can_not_be(guidance, message):
    with pytest.raises(FormulaError, match=message) as caught:
        guidance_for(guidance, {"gap": 1})
    assert caught.value.hint


def test_pairs():
    assert pairs(["a=1", "b = 2..3"], "--target") == {"a": "1", "b": "2..3"}
    for texts in (["a"], ["=1"], ["a="], ["a=1", "a=2"]):
        with pytest.raises(FormulaError) as caught:
            pairs(texts, "--target")
        assert caught.value.hint


LIMITS = Limits(frozenset({3, 8, 15, 26, 81, 82}), 12, {})


def test_element_systems():
    assert element_system(None, None, None, LIMITS) == ((), ())
    assert element_system("Li,Fe,P,O", None, None, LIMITS) == ((3, 8, 15, 26), (3, 8, 15, 26))
    assert element_system(None, ["O", "Li"], None, LIMITS) == ((3, 8), ())
    assert element_system(None, None, "Pb,Tl", LIMITS) == ((3, 8, 15, 26), ())
    assert element_system(None, "Li,O,Pb", "Pb", LIMITS) == ((3, 8), ())
    small = replace(LIMITS, largest_cell=2)
    assert element_system(None, None, "Pb,Tl", small) == ((3, 8, 15, 26), ())
    with pytest.raises(FormulaError, match="4 atoms"):
        element_system("Li,Fe,P,O", None, None, small)
    assert elements("Li-Fe-P-O") == (3, 8, 15, 26)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("", None, None), "without elements"),
        (("Li,Pb", None, "Pb"), "Pb is asked for and left out"),
        (("Li", "Li,O", None), "exactly these elements and at most those"),
        ((None, "Pb", "Pb"), "no element is left"),
        (("Li,U", None, None), "U, which the model never saw"),
    ],
)
def test_element_systems_that_can_not_be(asked, message):
    with pytest.raises(FormulaError, match=message) as caught:
        element_system(*asked, LIMITS)
    assert caught.value.hint


@pytest.mark.parametrize("value", [2, "band_gap=2", ["band_gap", 2], None])
def test_what_names_no_property_is_refused_in_a_sentence(value):
    with pytest.raises(FormulaError, match=r"guidance=.* names no property"):
        named("guidance", value)


@pytest.mark.parametrize("value", [3, 2.5, None])
def test_a_number_is_no_element_system(value):
    with pytest.raises(FormulaError, match=f"{value} is no element system") as caught:
        elements(value)
    assert "Li,Fe,P,O" in str(caught.value.hint)
