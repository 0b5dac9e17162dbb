"""Training with replaced elements (`nucleate.training.replaced`), by what the shipped index of prototypes knows."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

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
from nucleate.training.replaced import Replaced, Replacement, VolumeOf

SOURCE = "mp_20"
"""Of the index: a training split."""


def check_replacing(recipe: AnyRecipe) -> None:
    """Raise RecipeError for a recipe that may not learn from replaced elements."""
    if not recipe.training.replace or isinstance(recipe, WyckoffSequences):
        return
    if not isinstance(recipe, Recipe) or recipe.task != "csp" or recipe.conditions:
        raise RecipeError(
            f"training.replace = {recipe.training.replace} is for models that are given compositions and no "
            f"properties, and {recipe.name} is none",
            "leave training.replace out",
        )


def with_replaced(plain: Examples, share: float) -> Examples:
    """A training split with another element in this share of its examples."""
    index, device = read_index(INDEX).of_sources({SOURCE}), plain.device
    found = Replacements.of_index(index)
    replacement = Replacement(share, _on(found.chance, device), _on(found.expected, device))
    if isinstance(plain, SequenceExamples):
        return ReplacedSequences(plain, replacement)
    return Replaced(plain, replacement, volume_of(Volumes.of_index(index), device))


def volume_of(volumes: Volumes, device: torch.device) -> VolumeOf:
    """`Volumes.per_atom` on a device."""
    each, (by_mean, by_spread) = _on(volumes.each, device), _on(volumes.surroundings, device)
    pull = _on(element_vectors()[:, ELECTRONEGATIVITY], device)

    def per_atom(shares: Float[Tensor, "crystals numbers"]) -> Float[Tensor, " crystals"]:
        mean = shares @ pull
        spread = (shares @ pull**2 - mean**2).clamp(min=0).sqrt()
        return (shares @ each + mean * (shares @ by_mean) + spread * (shares @ by_spread)).clamp(min=LEAST)

    return per_atom


def _on(values: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).float().to(device)
