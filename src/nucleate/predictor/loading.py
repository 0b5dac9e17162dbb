"""A generator by its name, on a device, ready to draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch

from nucleate.data.sources import read_source
from nucleate.errors import DataError, ModelError
from nucleate.families.wyckoff.generator import WyckoffGenerator
from nucleate.model.crystal_model import CrystalModel
from nucleate.model.trainable import Trainable
from nucleate.predictor.draw import Predictor
from nucleate.predictor.find import find_adapter, find_model, label, shipped_models
from nucleate.predictor.generators import generator_names, made
from nucleate.predictor.joining import DRAWS_WITH, join
from nucleate.runs.adapter import Adapter
from nucleate.runs.model_folder import FILES, checksum, load_model
from nucleate.sampling.diffusion import DiffusionGenerator
from nucleate.sampling.folder import FolderGenerator

DEFAULT_MODEL = "answers"
FREE_MODEL = "kldm-mp20-csp"
"""The shipped model that draws structures of a composition."""
BF16 = "+bf16"
"""After the identity of a model whose network multiplies in bfloat16."""


def load(
    name: str | Path = DEFAULT_MODEL, device: str = "auto", precision: Literal["float32", "bf16"] = "float32",
    adapters: Sequence[str | Path] = (),
) -> Predictor:  # fmt: skip
    """What predicts: a trained model, a generator of another package, or crystals that exist already.

    Args:
        name: a shipped name, a model or run folder, `hf:owner/name` from the Hugging Face hub, `answers` for different
            structures from several generators, a name that an installed package has for a generator, or a file or
            folder of crystals.
        device: `auto`, `cpu`, `cuda` or another of torch's.
        precision: of the network's products.
        adapters: of a trained model, side by side: shipped names, or folders of adapters.

    Raises ModelError when there is no such model, adapter or device, MissingPackageError when huggingface-hub is
    needed.
    """
    name = str(name)
    if name in generator_names() and name not in shipped_models():
        _refuse(adapters, name)
        return Predictor(made(name, device, precision))
    folder = find_model(name)
    if _holds_crystals(folder):
        _refuse(adapters, name)
        return Predictor(FolderGenerator.read(folder), folder=folder)
    model, recipe, card = load_model(folder)
    called, identity = label(name, folder), checksum(folder)
    for one in adapters:
        card, called, identity = _adapted(model, find_adapter(str(one)), card, called, identity)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        model = model.to(device)
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0]
        raise ModelError(f"device '{device}' can't be used ({first})", "use --device cpu or auto") from None
    model.bf16 = precision == "bf16"
    if model.bf16:
        identity += BF16  # its draws are others: a job of one precision is not resumed with the other
    generator = recipe.generator(model, card, called, identity)
    if isinstance(generator, WyckoffGenerator) and DRAWS_WITH in card:
        generator = join(called, generator, _structures(card[DRAWS_WITH], called, device, precision))
    if recipe.base:
        generator = generator.on(load(recipe.base, device, precision).generator)
    return Predictor(generator, recipe, card, folder)


def _structures(
    said: Mapping[str, str], called: str, device: str, precision: Literal["float32", "bf16"]
) -> DiffusionGenerator:
    """The structure model that sequences were tuned with. Raises ModelError where there is another one, or none."""
    found = load(said["name"], device, precision).generator
    if not isinstance(found, DiffusionGenerator) or found.identity.removesuffix(BF16) != said["weights"]:
        raise ModelError(
            f"{called} was tuned with {said['name']} of weights {said['weights']}, and here it is another model",
            "join it with one by nucleate.predictor.sequences.joined",
        )
    return found


def _adapted(
    model: Trainable, folder: Path, card: Mapping[str, Any], called: str, identity: str
) -> tuple[dict[str, Any], str, str]:
    """Put an adapter into a model: its card, name and identity with the adapter."""
    adapter = Adapter.read(folder)
    if not isinstance(model, CrystalModel):
        raise ModelError(f"{called} can't have adapters", "take a diffusion model or flow")
    adapter.on(model, identity.partition("+")[0])
    told = {**card.get("conditions", {}), **adapter.card.get("conditions", {})}
    sizes = {name: adapter.card.get("sizes") for name in adapter.recipe.conditions or ()}
    joined = {**card, "conditions": told, "sizes_of": {**card.get("sizes_of", {}), **sizes}}
    return joined, f"{called}+{adapter.recipe.adapter}", f"{identity}+{checksum(folder)}"


def _refuse(adapters: Sequence[str | Path], name: str) -> None:
    if adapters:
        raise ModelError(f"{name} can't have adapters", "leave them out, or take a diffusion model or flow")


def _holds_crystals(path: Path) -> bool:
    """Whether a path that is no model folder, not even one that lacks something, is of files of crystals."""
    if any((path / file).exists() for file in FILES):
        return False
    try:
        return bool(read_source(path))
    except DataError:
        return False
