"""Settings as TOML, and `--set key=value`."""

import tomllib
from dataclasses import dataclass, field
from typing import Literal

import pytest

from nucleate.errors import RecipeError
from nucleate.recipes.registry import get_recipe, recipe_from_dict, recipes
from nucleate.settings import from_dict, override, to_dict, to_toml


@dataclass(frozen=True)
class Inner:
    rate: float = 0.1
    name: str = 'a "quoted" \\ name'
    kind: Literal["x", "y"] = "x"
    sizes: tuple[int, ...] = (1, 2)
    limit: float | None = None


@dataclass(frozen=True)
class Outer:
    steps: int = 3
    fast: bool = False
    inner: Inner = field(default_factory=Inner)


@pytest.mark.parametrize("name", list(recipes()))
def test_every_recipe_survives_toml(name):
    recipe = get_recipe(name)
    assert recipe_from_dict(tomllib.loads(to_toml(to_dict(recipe)))) == recipe


def test_strings_tuples_and_none_survive_toml():
    outer = Outer(inner=Inner(rate=1e-7, name='tab\tline\n"', limit=None))
    assert from_dict(Outer, tomllib.loads(to_toml(to_dict(outer)))) == outer
    limited = Outer(inner=Inner(limit=2.5))
    assert from_dict(Outer, tomllib.loads(to_toml(to_dict(limited)))) == limited


def test_settings_are_overridden():
    outer = override(
        Outer(),
        ["inner.rate=2", "inner.kind=y", "fast=true", "inner.sizes=[4]", "inner.limit=3", "steps = 5"],
    )
    assert outer == Outer(5, True, Inner(2.0, kind="y", sizes=(4,), limit=3.0))
    assert override(Outer(), ["inner.name=a=b"]).inner.name == "a=b"


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("inner.speed=1", "no setting named 'inner.speed'"),
        ("outer.rate=1", "no group of settings named 'outer'"),
        ("steps=2.5", "steps = 2.5 is not of type int"),
        ("steps=true", "steps = True is not of type int"),
        ("fast=1", "fast = 1 is not of type bool"),
        ("inner.kind=z", "inner.kind can't be 'z'"),
        ("inner.rate=nan", "inner.rate = nan is not a number"),
        ("inner.limit=inf", "inner.limit = inf is not a number"),
        ("inner.rate=fast", "inner.rate = 'fast' is not of type float"),
        ("inner.sizes=4", "inner.sizes = 4 is not a list"),
        ("inner.sizes=[a]", "inner.sizes"),
        ("inner.limit=low", "inner.limit = 'low' is not of type float"),
        ("inner=1", "'inner' is a group of settings"),
        ("steps", "'steps' is not key=value"),
        ("=1", "'=1' is not key=value"),
    ],
)
def test_wrong_settings_are_refused(assignment, message):
    with pytest.raises(RecipeError) as error:
        override(Outer(), [assignment])
    assert message in error.value.message
    assert error.value.hint


def test_unknown_recipes_suggest_a_known_one():
    with pytest.raises(RecipeError, match="no recipe named 'kldm-csp-smal'") as error:
        get_recipe("kldm-csp-smal")
    assert "did you mean 'kldm-csp-small'" in error.value.hint


def test_a_plain_value_in_place_of_a_group_is_refused():
    with pytest.raises(RecipeError, match="inner = 3 is not a group"):
        from_dict(Outer, {"inner": 3})
