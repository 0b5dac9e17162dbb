"""A causal transformer over a space group and its sites.

Step 0 knows the prompt and answers with the space group; step 1 knows the group, step s + 1 the first s sites, and each
answers with the next position (or the end) and then, given the position, with its element. Every step is told what is
left of the prompt. There is no positional encoding: letters ascend, and the atoms so far are told.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.families.transformer import Block, Cache
from nucleate.families.wyckoff.vocabulary import AMOUNTS, COLUMNS, LETTERS, PERIODS, vocabulary
from nucleate.symmetry.wyckoff import GROUPS


@dataclass(frozen=True)
class WyckoffNetworkSettings:
    """Sizes of the network.

    Attributes:
        width: channels of a step.
        layers: transformer blocks.
        heads: of the attention.
        dropout: share of channels set to zero in training.
    """

    width: int = 128
    layers: int = 4
    heads: int = 4
    dropout: float = 0.1


@dataclass(frozen=True, eq=False)
class Steps:
    """What each step is told; 0 is none everywhere.

    Attributes:
        group: number of the space group. [sequences, steps]
        position: serial number of the last position. [sequences, steps]
        element: of the last site. [sequences, steps]
        placed: atoms so far. [sequences, steps]
        total: an amount: atoms still to place, or UNKNOWN. [sequences, steps]
        asked: elements of the prompt, 0 in padding. [sequences, steps, elements]
        amount: for each of them: atoms still to place, or UNUSED or USED. [sequences, steps, elements]
    """

    group: Int[Tensor, "sequences steps"]
    position: Int[Tensor, "sequences steps"]
    element: Int[Tensor, "sequences steps"]
    placed: Int[Tensor, "sequences steps"]
    total: Int[Tensor, "sequences steps"]
    asked: Int[Tensor, "sequences steps elements"]
    amount: Int[Tensor, "sequences steps elements"]


class Words(nn.Module):
    """Embeddings of groups, positions and elements: each is its own vector plus vectors for shared properties."""

    def __init__(self, width: int) -> None:
        super().__init__()
        words = vocabulary()
        self.group = nn.Embedding(GROUPS + 1, width, padding_idx=0)
        self.own = nn.Embedding(len(words.size), width, padding_idx=0)
        self.symmetry = nn.Embedding(words.symmetries, width, padding_idx=0)
        self.letter = nn.Embedding(LETTERS, width)
        self.freedom = nn.Embedding(4, width)
        self.size = nn.Embedding(AMOUNTS, width, padding_idx=0)
        self.one = nn.Embedding(MAX_ATOMIC_NUMBER + 1, width, padding_idx=0)
        self.period = nn.Embedding(PERIODS, width, padding_idx=0)
        self.column = nn.Embedding(COLUMNS, width, padding_idx=0)
        nn.init.zeros_(self.own.weight)
        for part in (
            self.group,
            self.symmetry,
            self.letter,
            self.freedom,
            self.size,
            self.one,
            self.period,
            self.column,
        ):
            nn.init.normal_(part.weight, std=0.5 * width**-0.5)
        for part in (self.group, self.symmetry, self.size, self.one, self.period, self.column):
            with torch.no_grad():
                part.weight[0] = 0

    def positions(self) -> Float[Tensor, "positions width"]:
        """One vector for each position, by its serial number; zero for none."""
        words = vocabulary()
        told = (words.symmetry, words.letter, words.freedom, words.size.clamp(max=AMOUNTS - 1))
        shared = sum(
            part(index)
            for part, index in zip((self.symmetry, self.letter, self.freedom, self.size), told, strict=True)
        )
        return (self.own.weight + shared) * (words.size > 0)[:, None]

    def elements(self) -> Float[Tensor, "elements width"]:
        """One vector for each element, by its atomic number; zero for none."""
        words = vocabulary()
        every = self.one.weight + self.period(words.period) + self.column(words.column)
        # Padding is zero whatever the weights: the number of padded columns depends on the batch.
        return every * (words.period > 0)[:, None]


class WyckoffNetwork(nn.Module):
    """Answers for each step, before any mask. See the top of this file."""

    def __init__(self, settings: WyckoffNetworkSettings) -> None:
        super().__init__()
        width = settings.width
        self.settings = settings
        self.words = Words(width)
        self.placed = nn.Embedding(AMOUNTS, width)
        self.total = nn.Embedding(AMOUNTS, width)
        self.amount = nn.Embedding(AMOUNTS, width)
        for part in (self.placed, self.total):
            nn.init.normal_(part.weight, std=0.5 * width**-0.5)
        self.asked = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.blocks = nn.ModuleList(
            Block(width, settings.heads, settings.dropout) for _ in range(settings.layers)
        )
        self.last = nn.LayerNorm(width)
        self.to_group = nn.Linear(width, GROUPS + 1)
        self.to_position = nn.Linear(width, width)
        self.end = nn.Linear(width, 1)
        self.with_position = nn.Sequential(
            nn.Linear(2 * width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )
        self.to_element = nn.Linear(width, MAX_ATOMIC_NUMBER + 1)
        self.blot = nn.Dropout(settings.dropout)

    def forward(self, steps: Steps, cache: Cache | None = None) -> Float[Tensor, "sequences steps width"]:
        """What the heads answer from. With a cache: one further step, which the cache then holds too."""
        elements = self.words.elements()
        x = self.words.group(steps.group) + F.embedding(steps.position, self.words.positions())
        x = x + F.embedding(steps.element, elements) + self.placed(steps.placed) + self.total(steps.total)
        demand = (F.embedding(steps.asked, elements) * self.amount(steps.amount)).sum(-2)
        x = self.blot(x * self.settings.width**0.5 + self.asked(demand * self.settings.width**0.5))
        for number, block in enumerate(self.blocks):
            x = block(x, cache, number)
        if cache is not None:
            cache.advance(x.shape[1])
        return self.last(x)

    def groups(self, x: Float[Tensor, "... width"]) -> Float[Tensor, "... groups"]:
        """Logits of space groups, by number; that of 0 is unused."""
        return self.to_group(x)

    def positions(
        self, x: Float[Tensor, "sequences steps width"], group: Int[Tensor, " sequences"]
    ) -> Float[Tensor, "sequences steps positions"]:
        """Logits of the positions of each sequence's group, by index, and last of the end."""
        own = F.embedding(vocabulary().position[group], self.words.positions())
        letters = torch.einsum("nsw,nlw->nsl", self.to_position(x), own)
        return torch.cat([letters, self.end(x)], -1)

    def elements(
        self, x: Float[Tensor, "... width"], position: Int[Tensor, "..."]
    ) -> Float[Tensor, "... elements"]:
        """Logits of elements, by atomic number, on positions given by serial number."""
        told = F.embedding(position, self.words.positions()) * self.settings.width**0.5
        mixed = self.with_position(torch.cat([x, told], -1))
        return self.to_element(mixed) + mixed @ self.words.elements().T
