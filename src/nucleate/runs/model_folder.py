"""A model folder: weights.safetensors (averaged weights), recipe.toml and card.json. It is the unit of sharing."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from nucleate import settings
from nucleate.errors import ModelError
from nucleate.files import parse_json, save_tensors, write_whole, writing
from nucleate.model.trainable import Trainable
from nucleate.recipes.contract import AnyRecipe
from nucleate.recipes.registry import recipe_from_dict

FORMAT = 1
FILES = ("weights.safetensors", "recipe.toml", "card.json")
AGAIN = "get the folder again"


def save_model(
    folder: Path,
    model: Trainable,
    recipe: AnyRecipe,
    card: dict[str, Any],
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write a model folder, each file atomically. Parameters are stored as dtype, statistics in float32."""
    parameters = dict(model.named_parameters())
    tensors = {
        name: tensor.to(dtype) if name in parameters else tensor
        for name, tensor in model.state_dict().items()
    }
    save_tensor_folder(folder, tensors, recipe, card)


def save_tensor_folder(
    folder: Path, tensors: Mapping[str, torch.Tensor], recipe: AnyRecipe, card: dict[str, Any]
) -> None:
    """Write a folder of these tensors with a recipe and a card."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_tensors(plain, folder / "weights.safetensors")
    write_whole(folder / "recipe.toml", settings.to_toml({"format": FORMAT, **settings.to_dict(recipe)}))
    write_whole(folder / "card.json", json.dumps(card, indent=2) + "\n")


def load_model(folder: Path) -> tuple[Trainable, AnyRecipe, dict[str, Any]]:
    """The model (evaluation mode, float32), its recipe and its card. Raises ModelError if it is not a model folder."""
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise ModelError(
            f"{folder} is no model folder: it lacks {', '.join(missing)}",
            "name a run's 'model' folder or a shipped model",
        )
    recipe, card = read_recipe(folder / "recipe.toml"), read_card(folder / "card.json")
    tensors = read_weights(folder / "weights.safetensors")
    model = recipe.build()
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise ModelError(f"the weights in {folder} don't fit its recipe ({reason})", AGAIN) from None
    return model.eval(), recipe, card


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """All tensors in float32. Raises ModelError for a damaged file, and for numbers that are not finite."""
    try:
        tensors = {name: tensor.float() for name, tensor in load_file(path).items()}
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} can't be read ({error}): it is damaged or cut short", AGAIN) from None
    broken = [name for name, tensor in tensors.items() if not tensor.isfinite().all()]
    if broken:
        raise ModelError(
            f"{len(broken)} of the {len(tensors)} tensors in {path} hold numbers that are not finite, "
            f"the first is {broken[0]}",
            "get the folder again; a run keeps what it was before in model-last/ and model-match/",
        )
    return tensors


def checksum(folder: Path) -> str:
    """First 16 hexadecimal digits of the SHA-256 of the weights in a folder."""
    return hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()[:16]


def read_card(path: Path) -> dict[str, Any]:
    """The content of a card.json. Raises ModelError where there is none."""
    try:
        card = parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} can't be read ({error})", AGAIN) from None
    if not isinstance(card, dict):
        raise ModelError(f"{path} holds no card, which is a JSON object", AGAIN)
    return card


def take_over(model: Trainable, folder: Path) -> int:
    """Copy the weights and statistics of a model folder that fit a model by name and shape; returns their number.

    Raises ModelError if it is not a model folder, or if nothing in it fits.
    """
    own = model.state_dict()
    fitting = {
        name: tensor
        for name, tensor in load_model(folder)[0].state_dict().items()
        if name in own and own[name].shape == tensor.shape
    }
    parameters = {name for name, _ in model.named_parameters()}
    if not parameters & fitting.keys():
        raise ModelError(
            f"no weight of {folder} fits the network of this recipe",
            "start from a model with the same network, width and layers ('nucleate models NAME' shows its card)",
        )
    model.load_state_dict(fitting, strict=False)
    return len(fitting)


def read_recipe(path: Path) -> AnyRecipe:
    """The recipe in a recipe.toml."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} can't be read ({error})", AGAIN) from None
    number = values.pop("format", None)
    if number != FORMAT:
        raise ModelError(f"{path} has format {number}, this version reads {FORMAT}", "update nucleate")
    return recipe_from_dict(values)
