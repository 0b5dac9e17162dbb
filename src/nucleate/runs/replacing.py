"""Training with replaced elements (`nucleate.training.replaced`), by what the shipped index of prototypes knows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from nucleate.data.feed import Examples
from nucleate.errors import RecipeError
from nucleate.prototypes.chemistry import element_vectors
from nucleate.prototypes.files import read_index
from nucleate.prototypes.replacements import Replacements
from nucleate.prototypes.shipped import INDEX
from nucleate.prototypes.volumes import ELECTRONEGATIVITY, LEAST, Volumes
from nucleate.recipes.base import Recipe
from nucleate.recipes.contract import AnyRecipe
from nucleate.training.replaced import Replaced, VolumeOf

SOURCE = "mp_20"
"""Of the index: a training split."""


def check_replacing(recipe: AnyRecipe) -> None:
    """Raise RecipeError for a recipe that may not learn from replaced elements."""
    if not recipe.training.replace:
        return
    if not isinstance(recipe, Recipe) or recipe.task != "csp" or recipe.conditions:
        raise RecipeError(
            f"training.replace = {recipe.training.replace} is for models that are given compositions and no "
            f"properties, and {recipe.name} is none",
            "leave training.replace out",
        )


def replacing(recipe: AnyRecipe) -> Callable[[Examples], Examples]:
    """What makes of a training split one with replaced elements."""
    index = read_index(INDEX).of_sources({SOURCE})
    found, volumes = Replacements.of_index(index), Volumes.of_index(index)

    def made(plain: Examples) -> Examples:
        volume_of = _on(volumes, plain.device)
        return Replaced(plain, recipe.training.replace, found.chance, found.expected, volume_of)

    return made


def _on(volumes: Volumes, device: torch.device) -> VolumeOf:
    """`Volumes.per_atom` on a device."""

    def there(values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).float().to(device)

    each, (by_mean, by_spread) = there(volumes.each), map(there, volumes.surroundings)
    pull = there(element_vectors()[:, ELECTRONEGATIVITY])

    def per_atom(shares: Float[Tensor, "crystals numbers"]) -> Float[Tensor, " crystals"]:
        mean = shares @ pull
        spread = (shares @ pull**2 - mean**2).clamp(min=0).sqrt()
        return (shares @ each + mean * (shares @ by_mean) + spread * (shares @ by_spread)).clamp(min=LEAST)

    return per_atom
