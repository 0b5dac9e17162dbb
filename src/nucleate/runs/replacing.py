"""Training with replaced elements (`nucleate.training.replaced`), by what the shipped index of prototypes knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nucleate.data.feed import Examples
from nucleate.errors import RecipeError
from nucleate.families.wyckoff.replaced import ReplacedSequences
from nucleate.families.wyckoff.trainable import SequenceExamples
from nucleate.prototypes.chemistry import element_vectors
from nucleate.prototypes.files import read_index
from nucleate.prototypes.replacements import Replacements
from nucleate.prototypes.shipped import INDEX
from nucleate.prototypes.volumes import ELECTRONEGATIVITY, LEAST, Volumes
from nucleate.recipes.base import Recipe
from nucleate.recipes.contract import AnyRecipe
from nucleate.recipes.wyckoff import WyckoffSequences
from nucleate.training.replaced import Knowledge, Replaced, Replacement

KNOWN = "replacements.npz"
"""The file in a run's folder."""
SOURCE = "mp_20"
"""Of the index: a training split."""


def check_replacing(recipe: AnyRecipe) -> None:
    """Raise RecipeError for a recipe that may not learn from replaced elements."""
    if not recipe.training.replace or isinstance(recipe, WyckoffSequences):
        return
    fits = isinstance(recipe, Recipe) and (recipe.task == "csp" or recipe.parts().species.told)
    if not fits or recipe.conditions:
        raise RecipeError(
            f"training.replace = {recipe.training.replace} is for models of structures that are given compositions, "
            f"or hide elements to draw them, and no properties; {recipe.name} is none",
            "leave training.replace out",
        )


def knowledge_of(file: Path, write: bool = True) -> Knowledge:
    """What the file holds, else what the index knows, which is then written there."""
    found = Knowledge.read(file)
    if found is not None:
        return found
    index = read_index(INDEX).of_sources({SOURCE})
    replacements, volumes = Replacements.of_index(index), Volumes.of_index(index)
    found = Knowledge(
        replacements.chance, replacements.expected, np.stack([volumes.each, *volumes.surroundings]),
        element_vectors()[:, ELECTRONEGATIVITY], np.array(LEAST),
    )  # fmt: skip
    if write:
        found.write(file)
    return found


def with_replaced(plain: Examples, share: float, knowledge: Knowledge, draws: bool = False) -> Examples:
    """A training split with another element in this share of its examples.

    draws: whether the model draws species itself; it then learns nothing from other elements but structures.
    """
    replacement = Replacement(share, knowledge, plain.device)
    if isinstance(plain, SequenceExamples):
        return ReplacedSequences(plain, replacement)
    return Replaced(plain, replacement, given=draws)
