"""Recipes by name: one file for each published model puts its recipes here."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, TypeAlias

from nucleate import settings
from nucleate.errors import RecipeError
from nucleate.recipes import kldm

Recipe: TypeAlias = kldm.KLDM

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in kldm.RECIPES}


def get_recipe(name: str, assignments: list[str] | None = None) -> Recipe:
    """A recipe by its name, with `key=value` settings applied. Raises RecipeError for unknown names and settings."""
    if name not in RECIPES:
        close = difflib.get_close_matches(name, RECIPES, 1)
        suggestion = f"did you mean '{close[0]}'? " if close else ""
        raise RecipeError(f"no recipe named '{name}'", f"{suggestion}recipes: {', '.join(RECIPES)}")
    return settings.override(RECIPES[name], assignments or [])


def recipe_from_dict(values: Mapping[str, Any]) -> Recipe:
    """A recipe from the content of recipe.toml."""
    name = str(values.get("name", ""))
    if name not in RECIPES:
        raise RecipeError(f"no recipe named '{name}'", f"recipes: {', '.join(RECIPES)}")
    return settings.from_dict(type(RECIPES[name]), values)
