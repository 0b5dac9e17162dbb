"""Adapters: layers for conditions beside a frozen model, in a small folder of their own that names the model.

Several stand side by side in one model (`nucleate.networks.conditioning`). A folder holds weights.safetensors,
recipe.toml and card.json as that of a model does, without the weights of the model it belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nucleate.data.described import columns_of
from nucleate.data.table import CrystalTable
from nucleate.errors import ModelError
from nucleate.model.crystal_model import CrystalModel
from nucleate.model.trainable import Trainable
from nucleate.networks.conditioning import Conditioning
from nucleate.recipes.adapter import AdapterRecipe
from nucleate.recipes.contract import AnyRecipe
from nucleate.runs.model_folder import FILES, read_card, read_recipe, read_weights, save_tensor_folder
from nucleate.runs.subject import Subject

AGAIN = "get the adapter's folder again, or train it anew with 'nucleate train --adapter'"


def attach(model: CrystalModel, recipe: AdapterRecipe, checksum: str) -> None:
    """Put an adapter's fresh layers into the model that it belongs to, and its conditions behind those that are there.

    checksum: of the model's weights. Raises ModelError for another model, a network without adapters, and a name or a
    condition that is there already.
    """
    network, name = model.network, recipe.adapter
    if checksum != recipe.checksum:
        raise ModelError(
            f"the adapter '{name}' belongs to {recipe.base} with weights {recipe.checksum}, "
            f"and those of this model are {checksum}",
            f"take --model {recipe.base}, or train an adapter of this model",
        )
    if not network.embeds:
        raise ModelError(f"{type(network).__name__} can't have adapters", "take a model with another network")
    if name in network.conditioning:
        raise ModelError(f"the adapter '{name}' is there twice", "name each adapter once")
    if twice := set(recipe.conditions or ()) & set(model.conditions):
        raise ModelError(
            f"two adapters tell the network of {', '.join(sorted(twice))}", "leave one of them out"
        )
    if model.conditions and not model.described:
        raise ModelError(f"{type(network).__name__} reads conditions of its own", "take a model without them")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.training.seed)
        network.conditioning[name] = Conditioning(recipe.told, network.width, network.depth)
    model.conditions = (*model.conditions, *(recipe.conditions or ()))
    model.described = (*model.described, *recipe.told)
    model.columns = columns_of(model.described)


def prefix_of(name: str) -> str:
    """Before the names of an adapter's tensors in its model."""
    return f"network.conditioning.{name}."


class OnBase(Subject):
    """How an adapter is made and saved: what a run needs to know beyond its recipe."""

    def __init__(self, model: CrystalModel) -> None:
        self.model = model

    def made(self, recipe: AnyRecipe, train: CrystalTable) -> Trainable:
        """The model with the adapter, whose weights alone are trained."""
        assert isinstance(recipe, AdapterRecipe)
        for parameter in self.model.parameters():
            parameter.requires_grad_(False)
        attach(self.model, recipe, recipe.checksum)
        return self.model.train()

    def save(self, folder: Path, model: Trainable, recipe: AnyRecipe, card: dict[str, Any]) -> None:
        """Write the adapter's folder."""
        assert isinstance(recipe, AdapterRecipe)
        save_adapter(folder, model, recipe, card)


def save_adapter(
    folder: Path, model: Trainable, recipe: AdapterRecipe, card: dict[str, Any],
    dtype: torch.dtype = torch.float32,
) -> None:  # fmt: skip
    """Write an adapter's folder, each file atomically."""
    start = prefix_of(recipe.adapter)
    tensors = {
        name.removeprefix(start): tensor.to(dtype)
        for name, tensor in model.state_dict().items()
        if name.startswith(start)
    }
    own = {"adapter": recipe.adapter, "base": {"name": recipe.base, "weights": recipe.checksum}}
    own["parameters"] = sum(tensor.numel() for tensor in tensors.values())
    save_tensor_folder(folder, tensors, recipe, {**card, **own})


@dataclass(frozen=True)
class Adapter:
    """An adapter as it lies in its folder.

    Attributes:
        recipe: its settings.
        card: what it was trained on, with its labels under `conditions`.
        tensors: its weights.
    """

    recipe: AdapterRecipe
    card: dict[str, Any]
    tensors: dict[str, Tensor]

    @classmethod
    def read(cls, folder: Path) -> Adapter:
        """Raises ModelError for a folder that holds no adapter."""
        missing = [name for name in FILES if not (folder / name).is_file()]
        if missing:
            raise ModelError(
                f"{folder} is no adapter: it lacks {', '.join(missing)}",
                "name the run folder of 'nucleate train --adapter', or a shipped adapter",
            )
        recipe = read_recipe(folder / "recipe.toml")
        if not isinstance(recipe, AdapterRecipe):
            raise ModelError(f"{folder} holds a model and no adapter", f"name it by --model {folder}")
        return cls(recipe, read_card(folder / "card.json"), read_weights(folder / "weights.safetensors"))

    def on(self, model: CrystalModel, checksum: str) -> None:
        """Put it into the model that it belongs to; see `attach`."""
        attach(model, self.recipe, checksum)
        try:
            model.network.conditioning[self.recipe.adapter].load_state_dict(self.tensors)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1].strip()
            raise ModelError(
                f"the weights of the adapter '{self.recipe.adapter}' don't fit ({reason})", AGAIN
            ) from None
