"""Shapes against numbers by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nucleate.errors import RecipeError
from nucleate.rewards import Shape

X = np.array([-1.0, 0.0, 2.0, 4.0, 6.0, math.nan])
HALF, ONE = math.exp(-0.5), 1.0


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (Shape("target", 4, 2), [math.exp(-(2.5**2) / 2), math.exp(-2), HALF, ONE, HALF, 0]),
        (Shape("at-least", 4, 2), [math.exp(-(2.5**2) / 2), math.exp(-2), HALF, ONE, ONE, 0]),
        (Shape("at-most", 4, 2), [ONE, ONE, ONE, ONE, HALF, 0]),
        (Shape("saturating", 2), [0, 0, 0.5, 2 / 3, 0.75, 0]),
        (Shape("as-is"), [0, 0, 1, 1, 1, 0]),
    ],
    ids=lambda one: getattr(one, "shape", ""),
)
def test_values(shape, expected):
    shape.check("")
    np.testing.assert_allclose(shape(X), expected, rtol=1e-12)


@pytest.mark.parametrize(
    "shape", [Shape("target", 1, 1), Shape("at-least", 0, 1e-9), Shape("saturating", 1e-9)]
)
def test_all_results_are_shares(shape):
    x = np.array([-np.inf, -1e300, -1, 0, 1, 1e300, np.inf])
    assert ((shape(x) >= 0) & (shape(x) <= 1)).all()


@pytest.mark.parametrize(
    ("shape", "part"),
    [
        (Shape("target", 1), "width is missing"),
        (Shape("at-least", None, 1), "value is missing"),
        (Shape("as-is", 1), "no effect"),
        (Shape("saturating", 1, 1), "no effect"),
        (Shape("saturating", -1), "too small"),
        (Shape("at-most", 1, 0), "too small"),
        (Shape("at-most", math.inf, 1), "too large"),
    ],
)
def test_wrong_shapes_are_refused(shape, part):
    with pytest.raises(RecipeError, match=part) as caught:
        shape.check("parts.x.")
    assert caught.value.hint
