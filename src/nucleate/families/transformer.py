"""The bones of autoregressive models: causal attention with a cache of keys and values, and layers for each step.

Every family of sequences, whatever its words are, is made of these blocks.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ROOM = 64
"""Steps that a new cache has room for; it doubles when they are used up."""


class Cache:
    """Keys and values of the steps so far, one pair for each block, in room that is written in place.

    Attributes:
        steps: how many there are.
    """

    def __init__(self) -> None:
        self.steps = 0
        self._pairs: list[tuple[Tensor, Tensor]] = []

    def extended(self, block: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """All keys and values of a block, with these of new steps at their end. [sequences, heads, steps, channels]"""
        end = self.steps + keys.shape[2]
        if block == len(self._pairs):
            self._pairs.append((_room(keys, end), _room(values, end)))
        elif self._pairs[block][0].shape[2] < end:
            first, second = self._pairs[block]
            first = _moved(first, _room(first, end), self.steps)
            self._pairs[block] = first, _moved(second, _room(second, end), self.steps)
        for room, new in zip(self._pairs[block], (keys, values), strict=True):
            room[:, :, self.steps : end] = new
        return self._pairs[block][0][:, :, :end], self._pairs[block][1][:, :, :end]

    def advance(self, steps: int) -> None:
        """All blocks have seen so many new steps."""
        self.steps += steps

    def keep(self, rows: Tensor) -> None:
        """Keeps only these sequences."""
        self._pairs = [(keys[rows], values[rows]) for keys, values in self._pairs]


class Block(nn.Module):
    """Attention to the steps so far, then a layer for each step separately; both pre-norm, with skip connections.

    width: channels of a step. heads: of the attention. dropout: share of channels set to zero in training. bias: of
    all layers. approximate: of GELU, `none` or `tanh`.
    """

    def __init__(
        self, width: int, heads: int, dropout: float, bias: bool = True, approximate: str = "none"
    ) -> None:
        super().__init__()
        self.heads, self.dropout, self.approximate = heads, dropout, approximate
        self.before, self.between = nn.LayerNorm(width, bias=bias), nn.LayerNorm(width, bias=bias)
        self.into, self.out = nn.Linear(width, 3 * width, bias=bias), nn.Linear(width, width, bias=bias)
        self.wide, self.narrow = (
            nn.Linear(width, 4 * width, bias=bias),
            nn.Linear(4 * width, width, bias=bias),
        )
        self.blot = nn.Dropout(dropout)

    def forward(self, x: Tensor, cache: Cache | None = None, block: int = 0) -> Tensor:
        """x [sequences, steps, width]. With a cache, x are steps after those that it holds; it then holds them too."""
        sequences, steps, width = x.shape
        parts = self.into(self.before(x)).view(sequences, steps, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        query, keys, values = parts
        mask, past = None, 0 if cache is None else cache.steps
        if cache is not None:
            keys, values = cache.extended(block, keys, values)
        if past and steps > 1:
            mask = torch.ones(steps, past + steps, dtype=torch.bool, device=x.device).tril(past)
        # One new step sees all before it.
        mixed = F.scaled_dot_product_attention(
            query, keys, values, mask, is_causal=steps > 1 and not past,
            dropout_p=self.dropout if self.training else 0.0,
        )  # fmt: skip
        x = x + self.blot(self.out(mixed.transpose(1, 2).reshape(sequences, steps, width)))
        wide = F.gelu(self.wide(self.between(x)), approximate=self.approximate)
        return x + self.blot(self.narrow(wide))


def _room(like: Tensor, steps: int) -> Tensor:
    room = ROOM
    while room < steps:
        room *= 2
    return like.new_empty(*like.shape[:2], room, like.shape[3])


def _moved(old: Tensor, new: Tensor, steps: int) -> Tensor:
    new[:, :, :steps] = old[:, :, :steps]
    return new
