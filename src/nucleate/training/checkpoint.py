"""last.ckpt: everything needed to resume a run, in one safetensors file that is replaced atomically.

Tensors are named `model/...`, `ema/...` and `optimiser/<parameter>/<moment>`; the counters are JSON in the header.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from nucleate.errors import TrainingError
from nucleate.files import parse_json, save_tensors
from nucleate.training.ema import AveragedWeights

FORMAT = 1


def save_checkpoint(
    path: Path,
    model: nn.Module,
    ema: AveragedWeights,
    optimisers: Sequence[torch.optim.Optimizer],
    progress: dict[str, Any],
) -> None:
    """Write a temporary file, then rename: a kill at any moment leaves the old or the new checkpoint."""
    tensors = {f"model/{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"ema/{name}": tensor for name, tensor in ema.weights.items()}
    owners = _owners(optimisers)
    for name, parameter in model.named_parameters():
        for moment, value in owners[parameter].state.get(parameter, {}).items():
            tensors[f"optimiser/{name}/{moment}"] = value
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_tensors(tensors, path, {"format": str(FORMAT), "progress": json.dumps(progress)})


def load_checkpoint(
    path: Path, model: nn.Module, ema: AveragedWeights, optimisers: Sequence[torch.optim.Optimizer]
) -> dict[str, Any]:
    """Restore everything in place and return the counters. Raises TrainingError if the file does not fit the model."""
    progress, tensors = read_checkpoint(path)
    try:
        model.load_state_dict({k[6:]: v for k, v in tensors.items() if k.startswith("model/")})
        for name in ema.weights:
            ema.weights[name].copy_(tensors[f"ema/{name}"])
    except (RuntimeError, KeyError) as error:
        raise TrainingError(
            f"{path} belongs to another network ({str(error).splitlines()[-1].strip()})",
            "resume with the recipe and settings the run was started with",
        ) from None
    moments: dict[str, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimiser/"):
            name, moment = key.removeprefix("optimiser/").rsplit("/", 1)
            moments.setdefault(name, {})[moment] = value
    owners = _owners(optimisers)
    for name, parameter in model.named_parameters():
        if name in moments:
            # The fused optimiser wants its step counters on the device too.
            owners[parameter].state[parameter] = {
                k: v.clone().to(parameter.device) for k, v in moments[name].items()
            }
    return progress


def _owners(optimisers: Sequence[torch.optim.Optimizer]) -> dict[Tensor, torch.optim.Optimizer]:
    return {p: each for each in optimisers for group in each.param_groups for p in group["params"]}


def read_checkpoint(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Counters and tensors of a checkpoint. Raises TrainingError if it can't be read."""
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata() or {}
            number, progress = header["format"], parse_json(header["progress"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise TrainingError(f"{path} can't be read ({error})", "delete it to start the run again") from None
    if number != str(FORMAT):
        raise TrainingError(f"{path} has format {number}, this version reads {FORMAT}", "update nucleate")
    return progress, tensors
