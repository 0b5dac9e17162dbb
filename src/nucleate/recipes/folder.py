"""A model folder: weights.safetensors (averaged weights), recipe.toml and card.json. It is what people share."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from nucleate import settings
from nucleate.errors import ModelError
from nucleate.model.crystal_model import CrystalModel
from nucleate.recipes.base import Recipe
from nucleate.recipes.registry import recipe_from_dict

FORMAT = 1


def save_model(
    folder: Path,
    model: CrystalModel,
    recipe: Recipe,
    card: dict[str, Any],
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write a model folder, each file as a whole. Parameters are stored as dtype, statistics in float32."""
    folder.mkdir(parents=True, exist_ok=True)
    parameters = dict(model.named_parameters())
    tensors = {
        name: (tensor.to(dtype) if name in parameters else tensor).detach().cpu().contiguous()
        for name, tensor in model.state_dict().items()
    }
    save_file(tensors, folder / "weights.part")
    os.replace(folder / "weights.part", folder / "weights.safetensors")
    (folder / "recipe.toml").write_text(settings.to_toml({"format": FORMAT, **settings.to_dict(recipe)}))
    (folder / "card.json").write_text(json.dumps(card, indent=2) + "\n")


def load_model(folder: Path) -> tuple[CrystalModel, Recipe, dict[str, Any]]:
    """The model (evaluation mode, float32), its recipe and its card. Raises ModelError if it is not a model folder."""
    missing = [n for n in ("weights.safetensors", "recipe.toml", "card.json") if not (folder / n).is_file()]
    if missing:
        raise ModelError(
            f"{folder} is no model folder: it lacks {', '.join(missing)}",
            "name a run's 'model' folder or a shipped model",
        )
    recipe, card = read_recipe(folder / "recipe.toml"), json.loads((folder / "card.json").read_text())
    model = recipe.build()
    try:
        tensors = {name: tensor.float() for name, tensor in load_file(folder / "weights.safetensors").items()}
        model.load_state_dict(tensors)
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise ModelError(
            f"the weights in {folder} don't fit its recipe ({reason})", "get the folder again"
        ) from None
    return model.eval(), recipe, card


def take_over(model: CrystalModel, folder: Path) -> int:
    """Copy the weights and statistics of a model folder that fit a model by name and shape; how many did.

    Raises ModelError if it is not a model folder, or if nothing in it fits.
    """
    own = model.state_dict()
    fitting = {
        name: tensor
        for name, tensor in load_model(folder)[0].state_dict().items()
        if name in own and own[name].shape == tensor.shape
    }
    if not any(name.startswith("network") for name in fitting):
        raise ModelError(
            f"no weight of {folder} fits the network of this recipe",
            "start from a model with the same network, width and layers ('nucleate models NAME' shows its card)",
        )
    model.load_state_dict(fitting, strict=False)
    return len(fitting)


def read_recipe(path: Path) -> Recipe:
    """The recipe in a recipe.toml."""
    try:
        values = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ModelError(f"{path} can't be read ({error})", "get the folder again") from None
    number = values.pop("format", None)
    if number != FORMAT:
        raise ModelError(f"{path} has format {number}, this version reads {FORMAT}", "update nucleate")
    return recipe_from_dict(values)
