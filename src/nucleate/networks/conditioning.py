"""What a network is told, by layers that are zero at the start: before each block, out of what each atom is by then.

    h_i <- h_i + M SiLU(A LayerNorm(h_i) + B e),    e = sum of the embeddings of the conditions that are there,

with M zero at the start, so that a network begins as it was without (the adapters of MatterGen, arXiv 2312.03687). A
crystal of which nothing is told passes unchanged, bit for bit. One such set of layers belongs to a model with
conditions; others are adapters, each with conditions of its own, and stand side by side.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from nucleate.data.described import Described

WAVES = 16
LONGEST, SHORTEST = 32.0, 0.5
"""Wavelengths of the sinusoids, in standard deviations of the labels."""
FAR = 10.0
"""Standard deviations from the mean beyond which numbers are told as this far."""
EMBEDDED, INNER = 64, 128
"""Channels of an embedding, and of the layer between."""

Asked = Bool[Tensor, "crystals 1"]
Spread = Callable[[Tensor], Tensor]


class Number(nn.Module):
    """A number, scaled, by itself and by its sines and cosines: [crystals, 1] to [crystals, width]."""

    frequencies: Tensor

    def __init__(self, one: Described, width: int) -> None:
        super().__init__()
        self.one = one
        ratio = torch.linspace(0, 1, WAVES, dtype=torch.float64) * math.log(LONGEST / SHORTEST)
        self.register_buffer("frequencies", (ratio.exp() / LONGEST).float(), persistent=False)
        self.layers = nn.Sequential(nn.Linear(1 + 2 * WAVES, width), nn.SiLU(), nn.Linear(width, width))

    def scaled(self, x: Tensor) -> Tensor:
        """Labels to standard deviations from their mean."""
        shown = torch.log1p((x / self.one.floor).clamp(min=0)) if self.one.floor else x
        return ((shown - self.one.mean) / self.one.scale).clamp(-FAR, FAR)

    def forward(self, x: Float[Tensor, "crystals 1"]) -> Float[Tensor, "crystals width"]:
        with torch.autocast(x.device.type, enabled=False):
            z = self.scaled(x)
            phase = 2 * torch.pi * z * self.frequencies
            features = torch.cat([z, phase.sin(), phase.cos()], -1)
        return self.layers(features)


class Category(nn.Module):
    """A learned vector for each category: [crystals, 1] to [crystals, width]."""

    def __init__(self, one: Described, width: int) -> None:
        super().__init__()
        self.vectors = nn.Embedding(len(one.categories), width)

    def forward(self, x: Float[Tensor, "crystals 1"]) -> Float[Tensor, "crystals width"]:
        return self.vectors(x[:, 0].long())


class Elements(nn.Module):
    """Which elements there are: [crystals, elements] of 0 and 1 to [crystals, width]."""

    def __init__(self, one: Described, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(one.width, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, x: Float[Tensor, "crystals elements"]) -> Float[Tensor, "crystals width"]:
        return self.layers(x)


KINDS = {"number": Number, "category": Category, "elements": Elements}


class Conditioning(nn.Module):
    """The layers of one set of conditions for a network of some width and number of blocks."""

    def __init__(self, conditions: Sequence[tuple[str, Described]], width: int, blocks: int) -> None:
        super().__init__()
        self.widths = [one.width for _, one in conditions]
        self.embeddings = nn.ModuleList(KINDS[one.kind](one, EMBEDDED) for _, one in conditions)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(blocks))
        self.atoms = nn.ModuleList(nn.Linear(width, INNER) for _ in range(blocks))
        self.tells = nn.ModuleList(nn.Linear(EMBEDDED, INNER, bias=False) for _ in range(blocks))
        self.adds = nn.ModuleList(nn.Linear(INNER, width, bias=False) for _ in range(blocks))
        for layer in self.adds:
            assert isinstance(layer, nn.Linear)
            nn.init.zeros_(layer.weight)

    @property
    def columns(self) -> int:
        """Columns of the batch's `condition` that it reads."""
        return sum(self.widths)

    def embed(self, condition: Tensor, present: Tensor) -> tuple[Tensor, Asked]:
        """Its columns of a batch to a vector of each crystal, and whether anything is told of it."""
        total, first = condition.new_zeros(len(condition), EMBEDDED), 0
        for width, embedding in zip(self.widths, self.embeddings, strict=True):
            here, there = condition[:, first : first + width], present[:, first : first + 1]
            total = total + torch.where(there, embedding(here.nan_to_num(0.0)), 0.0)
            first += width
        return total, present.any(1, keepdim=True)

    def add(self, block: int, x: Tensor, told: Tensor) -> Tensor:
        """What is added to the atoms x [..., width] before a block."""
        hidden = self.atoms[block](self.norms[block](x)) + self.tells[block](told)
        return self.adds[block](F.silu(hidden))


@dataclass(frozen=True)
class Steered:
    """One forward pass of a network, with what it is told.

    Attributes:
        parts: layers, the embedding of each crystal, and whether anything is told of it.
    """

    parts: tuple[tuple[Conditioning, Tensor, Asked], ...] = ()

    @classmethod
    def of(cls, layers: nn.ModuleDict, inputs: dict[str, Tensor]) -> Steered:
        """By the columns of `condition`, in the order of the layers. Those that nobody asks of are left out."""
        parts, first = [], 0
        for one in layers.values():
            assert isinstance(one, Conditioning)
            columns = slice(first, first + one.columns)
            condition, present = inputs["condition"][:, columns], inputs["present"][:, columns]
            first = columns.stop
            # Training needs gradients, be they zero; elsewhere than on a CPU this look would wait for the device.
            if torch.is_grad_enabled() or condition.device.type != "cpu" or bool(present.any()):
                parts.append((one, *one.embed(condition, present)))
        return cls(tuple(parts))

    def before(self, block: int, x: Tensor, spread: Spread) -> Tensor:
        """The atoms before a block. spread: the values of each crystal for its atoms."""
        added = x
        for layers, told, asked in self.parts:
            added = torch.where(
                spread(asked.to(told.dtype)) > 0, added + layers.add(block, x, spread(told)), added
            )
        return added
