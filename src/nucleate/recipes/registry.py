"""Recipes by name: one file for each published model, and those of other packages.

A package adds recipes by an entry point of the group `nucleate.recipes` that names a tuple of them.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from typing import Any

from nucleate import settings
from nucleate.errors import RecipeError
from nucleate.plugins import with_plugins
from nucleate.recipes import (
    adversarial,
    cdvae,
    cross,
    crystal_text,
    crystalflow,
    crystallm,
    diffcsp,
    equicsp,
    flowllm,
    flowmm,
    ftcp,
    kldm,
    nucleate,
    omatg,
    property,
    symmetric,
    wyckoff,
)
from nucleate.recipes.adapter import KIND, AdapterRecipe
from nucleate.recipes.contract import AnyRecipe

BUILT_IN = (
    kldm,
    nucleate,
    diffcsp,
    equicsp,
    flowmm,
    omatg,
    crystalflow,
    symmetric,
    cross,
    wyckoff,
    property,
    cdvae,
    ftcp,
    adversarial,
    crystallm,
    crystal_text,
    flowllm,
)
ENTRY_POINTS = "nucleate.recipes"


@cache
def recipes() -> dict[str, AnyRecipe]:
    """All recipes: ours, then those of other packages. Those that can't be loaded are left out with a warning."""
    ours = {recipe.name: recipe for module in BUILT_IN for recipe in module.RECIPES}
    return with_plugins(ours, ENTRY_POINTS, "recipes")


def get_recipe(name: str, assignments: list[str] | None = None) -> AnyRecipe:
    """A recipe by its name, with `key=value` settings applied. Raises RecipeError for unknown names and settings."""
    assignments = assignments or []
    networks = [text for text in assignments if text.partition("=")[0].strip() == "network"]
    # The network first: it determines the groups of settings.
    recipe = settings.override(settings.override(_named(name), networks).completed(), assignments)
    if recipe.name != name:
        raise RecipeError(
            f"the name of {name} can't be set to '{recipe.name}'",
            "models find their recipe by this name",
        )
    return recipe


def recipe_from_dict(values: Mapping[str, Any]) -> AnyRecipe:
    """A recipe from the content of recipe.toml, that of an adapter too."""
    if values.get("name") == KIND:
        return settings.from_dict(AdapterRecipe, values)
    recipe = _named(str(values.get("name", "")))
    return settings.from_dict(type(recipe), values).completed()


def _named(name: str) -> AnyRecipe:
    known = recipes()
    if name not in known:
        close = difflib.get_close_matches(name, known, 1)
        suggestion = f"did you mean '{close[0]}'? " if close else ""
        raise RecipeError(f"no recipe named '{name}'", f"{suggestion}recipes: {', '.join(known)}")
    return known[name]
