"""What a network is told of a crystal: columns and facts of the structure, their scales, and how labels are spread."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from nucleate.cell import Cell
from nucleate.data.conditions import LEVELS, completed, described, labels, told
from nucleate.data.described import Described, Descriptions, columns_of
from nucleate.data.table import CrystalTable
from nucleate.errors import DataError

ROCK_SALT = Structure.from_spacegroup(
    "Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
)
RUTILE = Structure.from_spacegroup(
    "P4_2/mnm", Lattice.tetragonal(4.59, 2.96), ["Ti", "O"], [[0, 0, 0], [0.305, 0.305, 0]]
)
SKEW = Structure(
    Lattice.from_parameters(3, 4, 5, 71, 83, 97),
    ["Li", "F", "H"],
    [[0, 0, 0], [0.3, 0.1, 0.6], [0.5, 0.7, 0.2]],
)


def table(*structures: Structure, **properties: np.ndarray) -> CrystalTable:
    cells = [Cell.of(one) for one in structures]
    sizes = [len(cell.species) for cell in cells]
    return CrystalTable(
        [f"made-{n}" for n in range(len(cells))],
        np.concatenate([cell.species for cell in cells]),
        np.concatenate([[0], np.cumsum(sizes)]),
        np.concatenate([cell.frac for cell in cells]) % 1,
        np.stack([cell.lattice for cell in cells]),
        properties,
    )


def test_facts_of_the_structure():
    made = completed(table(ROCK_SALT, RUTILE, SKEW), ["crystal_system", "space_group", "atoms", "density"])
    assert made.properties["crystal_system"].tolist() == ["cubic", "tetragonal", "triclinic"]
    assert made.properties["space_group"].tolist() == ["225", "136", "1"]
    assert made.properties["atoms"].tolist() == [8, 6, 3]
    expected = [float(one.density) for one in (ROCK_SALT, RUTILE, SKEW)]
    np.testing.assert_allclose(made.properties["density"], expected, rtol=1e-3)


def test_a_column_of_that_name_comes_first():
    made = completed(table(ROCK_SALT, RUTILE, atoms=np.array([1.0, np.nan])), ["atoms"])
    np.testing.assert_array_equal(made.properties["atoms"], [1.0, np.nan])


def test_an_element_system_is_a_column_for_each_element():
    made = table(ROCK_SALT, RUTILE)
    conditions = [("element_system", described(made, "element_system"))]
    columns = columns_of(conditions)
    numbers = told(made, conditions).numbers(columns)
    assert numbers.shape == (2, 100)
    assert [(np.flatnonzero(row) + 1).tolist() for row in numbers] == [[11, 17], [8, 22]]


def test_numbers_are_standardised():
    values = np.array([1.0, 2.0, 3.0, np.nan, 6.0])
    one = described(replace(table(*[ROCK_SALT] * 5), properties={"gap": values}), "gap")
    assert (one.kind, one.floor) == ("number", 0.0)
    np.testing.assert_allclose([one.mean, one.scale], [3.0, np.std([1, 2, 3, 6])], rtol=1e-5)


@pytest.mark.parametrize(("least", "logarithmic"), [(0.001, True), (0.0, True), (-0.1, False)])
def test_labels_that_span_decades_get_a_logarithm_unless_some_are_negative(least, logarithmic):
    values = np.concatenate([[least], np.geomspace(0.01, 100, 99)])
    one = Described.of_numbers(values)
    assert (one.floor > 0) == logarithmic
    if logarithmic:
        assert one.floor == pytest.approx(np.median(values[values > 0]), rel=1e-5)
        shown = (np.log1p(values / one.floor) - one.mean) / one.scale
        np.testing.assert_allclose([shown.mean(), shown.std()], [0, 1], atol=1e-4)


def test_one_decade_and_a_bit_has_no_logarithm():
    assert Described.of_numbers(np.linspace(0.1, 9, 50)).floor == 0.0


def test_words_are_categories_by_their_place():
    made = table(*[ROCK_SALT] * 4, kind=np.array(["b", "a", "", "b"], dtype=object))
    one = described(made, "kind")
    assert one.categories == ("a", "b")
    np.testing.assert_array_equal(told(made, [("kind", one)]).numbers(["kind"])[:, 0], [1, 0, np.nan, 1])
    assert labels(made, "kind", one) == {"kind": "category", "known": 3, "counts": {"a": 1, "b": 2}}


def test_a_space_group_from_a_column_of_numbers():
    made = table(ROCK_SALT, RUTILE, space_group=np.array([225.0, np.nan]))
    one = described(made, "space_group")
    np.testing.assert_array_equal(
        told(made, [("space_group", one)]).numbers(["space_group"])[:, 0], [224, np.nan]
    )


def test_labels_are_quantiles():
    values = np.arange(1001.0)
    found = labels(table(*[ROCK_SALT] * 1001, gap=values), "gap", Described())
    assert found["known"] == 1001
    np.testing.assert_allclose(found["quantiles"], 1000 * np.array(LEVELS), rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "message"),
    [("gap", "no property 'gap'"), ("empty", "has a known empty"), ("a b", "'a b' can't be a condition"),
     ("all", "has 1001 different words")],
)  # fmt: skip
def test_what_can_not_be_a_condition(name, message):
    words = np.array([f"word {n}" for n in range(1001)], dtype=object)
    properties = {"empty": np.full(1001, np.nan), "all": words, "a b": np.ones(1001)}
    with pytest.raises(DataError, match=message) as caught:
        described(table(*[SKEW] * 1001, **properties), name)
    assert caught.value.hint


def test_descriptions_by_name():
    found = Descriptions((("a", Described(mean=1.0)), ("b", Described(mean=2.0))))
    assert [one.mean for _, one in found.of(["b", "a"])] == [2.0, 1.0]
    with pytest.raises(ValueError, match="scale of c is not known"):
        found.of(["c"])
