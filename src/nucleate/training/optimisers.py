"""Which optimiser trains which weights."""

from __future__ import annotations

import torch
from torch import nn

from nucleate.errors import RecipeError
from nucleate.model.trainable import Trainable
from nucleate.training.muon import Muon
from nucleate.training.settings import TrainingSettings


def optimisers(model: Trainable, settings: TrainingSettings) -> tuple[torch.optim.Optimizer, ...]:
    """AdamW, or also Muon for the matrices of the blocks. Raises RecipeError where there are none."""
    rate, decay = settings.learning_rate, settings.weight_decay
    matrices = block_matrices(model) if settings.optimiser == "muon" else []
    if settings.optimiser == "muon" and not matrices:
        raise RecipeError(
            "training.optimiser = muon has nothing to train: this model has no blocks of layers",
            "take training.optimiser=adamw",
        )
    theirs = {id(matrix) for matrix in matrices}
    rest = [parameter for parameter in model.parameters() if id(parameter) not in theirs]
    adamw = torch.optim.AdamW(rest, rate, weight_decay=decay, amsgrad=settings.amsgrad, fused=True)
    if not matrices:
        return (adamw,)
    return adamw, Muon(matrices, rate, decay, torch.bfloat16 if model.bf16 else torch.float32)


def block_matrices(model: nn.Module) -> list[nn.Parameter]:
    """Weights of linear layers inside repeated blocks: neither embeddings nor heads, which read single channels."""
    found: dict[int, nn.Parameter] = {}
    for blocks in model.modules():
        if isinstance(blocks, nn.ModuleList):
            for layer in blocks.modules():
                weight = layer.weight if isinstance(layer, nn.Linear) else None
                if isinstance(weight, nn.Parameter) and min(weight.shape) > 1:
                    found[id(weight)] = weight
    return list(found.values())
