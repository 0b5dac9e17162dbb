"""Low-rank changes of weights (LoRA, Hu et al. 2021, arXiv 2106.09685): W + B A, with B zero at first.

Every linear layer has one; the rest stays as it was. `merged` gives weights as the recipe knows them, so that a tuned
model is a model like any other.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

PART = ".parametrizations.weight."


class LowRank(nn.Module):
    """W + B A. a: [rank, inputs]. b: [outputs, rank]."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        outputs, inputs = weight.shape
        self.a = nn.Parameter(torch.randn(rank, inputs).to(weight) / inputs**0.5)
        self.b = nn.Parameter(torch.zeros(outputs, rank).to(weight))

    def forward(self, weight: Tensor) -> Tensor:
        return weight + self.b @ self.a


def adapt(model: nn.Module, rank: int, seed: int) -> None:
    """Freeze a model, and give each linear layer that is wider than the rank a change that can be learned."""
    model.requires_grad_(False)
    layers = [one for one in model.modules() if isinstance(one, nn.Linear) and min(one.weight.shape) > rank]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for layer in layers:
            parametrize.register_parametrization(layer, "weight", LowRank(layer.weight, rank), unsafe=True)


def merged(model: nn.Module) -> dict[str, Tensor]:
    """The state of a model with its changes added to the weights, under the names it had before."""
    state = model.state_dict()
    plain = {name: tensor for name, tensor in state.items() if PART not in name}
    for name in state:
        if name.endswith(f"{PART}original"):
            owner = name.removesuffix(f"{PART}original")
            change = state[f"{owner}{PART}0.b"] @ state[f"{owner}{PART}0.a"]
            plain[f"{owner}.weight"] = state[name] + change
    return plain
