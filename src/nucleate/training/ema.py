"""Exponential moving average of the weights, from the first step on, with a warm-up of the decay."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class AveragedWeights:
    """Average of the parameters over the steps s, with decay min(decay, (1 + s) / (10 + s))."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights: dict[str, Tensor] = {name: p.detach().clone() for name, p in model.named_parameters()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        averaged = list(self.weights.values())
        torch._foreach_lerp_(averaged, [p.detach() for p in model.parameters()], 1 - decay)

    def swap(self, model: nn.Module) -> None:
        """Exchange the model's weights with the averaged ones; call it again to put them back."""
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                mine = self.weights[name].clone()
                self.weights[name].copy_(parameter)
                parameter.copy_(mine)
