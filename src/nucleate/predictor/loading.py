"""A model by its name, on a device, ready to draw."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch

from nucleate.errors import ModelError
from nucleate.predictor.draw import Predictor
from nucleate.predictor.find import find_model, label
from nucleate.runs.model_folder import load_model

DEFAULT_MODEL = "kldm-mp20-csp"


def load(
    name: str | Path = DEFAULT_MODEL, device: str = "auto", precision: Literal["float32", "bf16"] = "float32"
) -> Predictor:
    """A trained model: a shipped name, a model or run folder, or `hf:owner/name` from the Hugging Face hub.

    device: `auto`, `cpu`, `cuda` or another of torch's. precision: of the network's products.
    Raises ModelError when there is no such model or device, MissingPackageError when huggingface-hub is needed.
    """
    folder = find_model(str(name))
    model, recipe, card = load_model(folder)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        model = model.to(device)
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0]
        raise ModelError(f"device '{device}' can't be used ({first})", "use --device cpu or auto") from None
    model.bf16 = precision == "bf16"
    return Predictor(model, recipe, card, label(str(name), folder), folder)
