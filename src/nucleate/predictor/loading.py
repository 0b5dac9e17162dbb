"""A generator by its name, on a device, ready to draw."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import torch

from nucleate.data.sources import read_source
from nucleate.errors import DataError, ModelError
from nucleate.predictor.draw import Predictor
from nucleate.predictor.find import find_model, label, shipped_models
from nucleate.predictor.generators import generator_names, made
from nucleate.runs.model_folder import FILES, load_model
from nucleate.sampling.folder import FolderGenerator

DEFAULT_MODEL = "answers"
FREE_MODEL = "kldm-mp20-csp"
"""The shipped model that draws structures of a composition."""


def load(
    name: str | Path = DEFAULT_MODEL, device: str = "auto", precision: Literal["float32", "bf16"] = "float32"
) -> Predictor:
    """What predicts: a trained model, a generator of another package, or crystals that exist already.

    Args:
        name: a shipped name, a model or run folder, `hf:owner/name` from the Hugging Face hub, `answers` for different
            structures from several generators, a name that an installed package has for a generator, or a file or
            folder of crystals.
        device: `auto`, `cpu`, `cuda` or another of torch's.
        precision: of the network's products.

    Raises ModelError when there is no such model or device, MissingPackageError when huggingface-hub is needed.
    """
    name = str(name)
    if name in generator_names() and name not in shipped_models():
        return Predictor(made(name, device, precision))
    folder = find_model(name)
    if _holds_crystals(folder):
        return Predictor(FolderGenerator.read(folder), folder=folder)
    model, recipe, card = load_model(folder)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        model = model.to(device)
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0]
        raise ModelError(f"device '{device}' can't be used ({first})", "use --device cpu or auto") from None
    model.bf16 = precision == "bf16"
    generator = recipe.generator(model, card, label(name, folder), checksum(folder))
    return Predictor(generator, recipe, card, folder)


def checksum(folder: Path) -> str:
    """First 16 hexadecimal digits of the SHA-256 of the weights in a model folder."""
    return hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()[:16]


def _holds_crystals(path: Path) -> bool:
    """Whether a path that is no model folder, not even one that lacks something, is of files of crystals."""
    if any((path / file).exists() for file in FILES):
        return False
    try:
        return bool(read_source(path))
    except DataError:
        return False
