"""The Pareto front against brute force, and how aims are read."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nucleate.errors import FormulaError
from nucleate.properties.front import Aim, aims_of, front, misses


@pytest.mark.parametrize("aims", [1, 2, 3])
def test_the_front_is_that_of_all_pairs(aims):
    rng = np.random.default_rng(aims)
    # whole numbers, so that many are equal
    missed = rng.integers(0, 6, (80, aims)).astype(float)
    missed[rng.random(80) < 0.1, 0] = np.nan
    expected = []
    for own in missed:
        beaten = any(
            all(a <= b for a, b in zip(other, own, strict=True))
            and any(a < b for a, b in zip(other, own, strict=True))
            for other in missed
            if not np.isnan(other).any()
        )
        expected.append(not beaten and not np.isnan(own).any())
    assert front(missed).tolist() == expected
    assert 0 < sum(expected) < 80


@pytest.mark.parametrize(
    ("asked", "low", "high"),
    [
        ("20", 20, 20), (20, 20, 20), ("1.5..2.5", 1.5, 2.5), ((1.5, 2.5), 1.5, 2.5), ("2..", 2, math.inf),
        ("..-1", -math.inf, -1), ("max", math.inf, math.inf), ("min", -math.inf, -math.inf),
    ],
)  # fmt: skip
def test_aims_are_read(asked, low, high):
    assert Aim.read("tc", asked) == Aim("tc", low, high)


@pytest.mark.parametrize("asked", ["much", "3..2", "..", "", "nan", "1..2..3"])
def test_aims_that_can_not_be(asked):
    with pytest.raises(FormulaError, match="can't be read"):
        Aim.read("tc", asked)


def test_misses():
    values = {"a": [1.0, 2.0, 4.0, None], "b": [1.0, 2.0, 3.0, 4.0]}
    found = misses(aims_of({"a": "1.5..3", "b": "max"}), values)
    np.testing.assert_array_equal(found[:3], [[0.5, -1], [0, -2], [1, -3]])
    assert np.isnan(found[3, 0])
    np.testing.assert_array_equal(Aim.read("b", "min").miss(np.array([1.0, 2.0])), [1.0, 2.0])
