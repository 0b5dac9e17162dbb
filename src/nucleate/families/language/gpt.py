"""A GPT of any vocabulary, with a cache of keys and values, told properties by layers that are zero at the start.

As in nanoGPT, which CrystaLLM uses: pre-norm blocks, learned places, the embedding tied to the last layer, GELU
by tanh.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from nucleate.data.described import Described
from nucleate.errors import RecipeError
from nucleate.families.transformer import Block, Cache
from nucleate.networks.conditioning import Conditioning
from nucleate.settings import within

SPREAD = 0.02
"""Standard deviation of initial weights."""


@dataclass(frozen=True)
class GPTSettings:
    """Sizes of the network.

    Attributes:
        width: channels of a word.
        layers: blocks.
        heads: of the attention; they share out the channels.
        context: most words of a text.
        dropout: share of channels set to zero in training.
        bias: whether layers add constants.
    """

    width: int = 512
    layers: int = 8
    heads: int = 8
    context: int = 1024
    dropout: float = 0.1
    bias: bool = False

    def __post_init__(self) -> None:
        within(self, 1, 65536, "width layers heads context", "gpt.")
        within(self, 0, 0.99, "dropout", "gpt.")
        if self.width % self.heads:
            raise RecipeError(
                f"gpt.width = {self.width} can't be shared out among {self.heads} heads",
                "give a multiple of gpt.heads",
            )


class GPT(nn.Module):
    """Logits of the next word at each place.

    Attributes:
        settings: its sizes.
        told: the layers by which it is told properties; None where it is told none.
    """

    def __init__(
        self, settings: GPTSettings, words: int, conditions: Sequence[tuple[str, Described]] = ()
    ) -> None:
        super().__init__()
        self.settings, width = settings, settings.width
        self.words, self.places = nn.Embedding(words, width), nn.Embedding(settings.context, width)
        self.blocks = nn.ModuleList(
            Block(width, settings.heads, settings.dropout, settings.bias, "tanh")
            for _ in range(settings.layers)
        )
        self.last = nn.LayerNorm(width, bias=settings.bias)
        self.blot = nn.Dropout(settings.dropout)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=SPREAD)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
        for block in self.blocks:
            assert isinstance(block, Block)
            for layer in (block.out, block.narrow):
                nn.init.normal_(layer.weight, std=SPREAD / math.sqrt(2 * settings.layers))
        self.told = Conditioning(conditions, width, settings.layers) if conditions else None

    def forward(
        self,
        words: Int[Tensor, "texts places"],
        cache: Cache | None = None,
        condition: Float[Tensor, "texts columns"] | None = None,
    ) -> Float[Tensor, "texts places words"]:
        """Of texts from their beginning, or with a cache of words after those that it holds.

        condition: NaN where nothing is told; None tells nothing.
        """
        start = 0 if cache is None else cache.steps
        place = torch.arange(start, start + words.shape[1], device=words.device)
        x = self.blot(self.words(words) + self.places(place))
        told = None if condition is None else self.told
        embedded = asked = None
        if told is not None and condition is not None:
            embedded, asked = told.embed(condition, ~condition.isnan())
        for number, block in enumerate(self.blocks):
            if told is not None and embedded is not None and asked is not None:
                x = torch.where(asked[:, None], x + told.add(number, x, embedded[:, None]), x)
            x = block(x, cache, number)
        if cache is not None:
            cache.advance(words.shape[1])
        return self.last(x) @ self.words.weight.T
