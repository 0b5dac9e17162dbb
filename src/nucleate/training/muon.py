"""Muon (Jordan et al. 2024; Liu et al., arXiv 2502.16982): momentum whose singular values are all made nearly one.

A step of a matrix then moves all directions alike, where a gradient is mostly a few of them. Updates are scaled to the
size of AdamW's, 0.2 for each entry, so that one learning rate serves both. `torch.optim.Muon` takes its products in
bfloat16 always, which on a CPU with AVX2 alone costs 20 times as much as float32, and one matrix at a time; here those
of one shape go together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

TERMS = (3.4445, -4.7750, 2.0315)
"""Of the odd polynomial a x + b x^3 + c x^5 of singular values, repeated `ROUNDS` times."""
ROUNDS = 5
SIZE = 0.2


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov momentum and decoupled weight decay.

    Args:
        dtype: of its products.
    """

    def __init__(
        self, matrices: Iterable[nn.Parameter], lr: float, weight_decay: float,
        dtype: torch.dtype = torch.float32, momentum: float = 0.95,
    ) -> None:  # fmt: skip
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        assert closure is None, "a step of Muon evaluates no loss"
        for group in self.param_groups:
            shapes: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    shapes[parameter.shape].append(parameter)
            for shape, alike in shapes.items():
                turned = orthogonal(
                    torch.stack([self._moved(p, group["momentum"]) for p in alike]), self.dtype
                )
                rate = group["lr"] * SIZE * max(shape) ** 0.5
                for parameter, update in zip(alike, turned, strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-rate)

    def _moved(self, parameter: nn.Parameter, momentum: float) -> Tensor:
        """The gradient with Nesterov momentum."""
        assert parameter.grad is not None
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        average = state["momentum"].lerp_(parameter.grad, 1 - momentum)
        return parameter.grad.lerp(average, momentum)


def orthogonal(matrices: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """U S V^T with S between 0.7 and 1.2 for matrices U D V^T, by Newton-Schulz iterations. [matrices, rows, columns]

    Singular values below about 1e-3 of a matrix's norm stay smaller; a matrix of zeros stays zero.
    """
    upright = matrices.shape[-2] > matrices.shape[-1]
    x = (matrices.mT if upright else matrices).to(dtype)
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    a, b, c = TERMS
    for _ in range(ROUNDS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.mT if upright else x).to(matrices.dtype)
