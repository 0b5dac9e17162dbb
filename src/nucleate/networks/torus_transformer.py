"""A transformer on the torus: one token for each atom, pair features as attention bias and as values.

Pairs are embedded once, from sines and cosines of the differences of fractional coordinates, differences of velocities,
the species of both atoms, the lattice and the time. Each layer reads them twice: as a bias of the attention logits of
each head, and as values, sum_j attention_ij pair_ij. Exactly invariant to translations of the torus and equivariant to
permutations of the atoms. Pre-norm, SwiGLU (Shazeer 2020, arXiv 2002.05202). For a lattice given as a matrix L
the summary reads x = L L^T as sign(x) log(1 + |x|), since these numbers span decades.

`skip` is a skip connection for species vectors: the noisy input, times one number for each crystal, is added to the
prediction. Predicted noise or velocity of 100 channels is mostly the input itself, which narrow tokens can't carry.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from nucleate.arrays import Mask, PerAtom, PerAtom3, PerCrystal
from nucleate.errors import RecipeError
from nucleate.geometry.precision import at_least_float32
from nucleate.networks.base import (
    MATRICES,
    MOST_LAYERS,
    MOST_WIDTH,
    Denoiser,
    Head,
    Shown,
    TimeFeatures,
    check_lattice,
    invariants,
    species_layer,
    torus_waves,
)
from nucleate.networks.distances import DistanceFeatures
from nucleate.networks.index import index_layer
from nucleate.settings import within

Tokens = Float[Tensor, "crystals atoms width"]
Summary = Float[Tensor, "crystals width"]
Pairs = Float[Tensor, "crystals atoms atoms pair_width"]
Biases = Float[Tensor, "crystals atoms atoms heads"]


@dataclass(frozen=True)
class TorusTransformerSettings:
    """Settings of the torus transformer.

    Attributes:
        width: channels of a token.
        layers: blocks.
        heads: attention heads.
        pair_width: channels of a pair.
        frequencies: waves on each axis, 1 to this number.
        time_width: random Fourier features of time.
        skip: a skip connection for species vectors, see the module's text; no effect for atomic numbers.
        index: tell atoms of one element apart by their order (`nucleate.networks.index`).
        distances: features of pairs in space beside those on the torus (`nucleate.networks.distances`).
        dropout: share of the channels of species, and of what each block adds, set to zero in training.
    """

    width: int = 256
    layers: int = 6
    heads: int = 8
    pair_width: int = 64
    frequencies: int = 16
    time_width: int = 128
    skip: bool = False
    index: bool = False
    distances: bool = False
    dropout: float = 0.0

    def __post_init__(self) -> None:
        within(self, 1, MOST_WIDTH, "width heads pair_width frequencies", "torus_transformer.")
        within(self, 1, MOST_LAYERS, "layers", "torus_transformer.")
        within(self, 2, MOST_WIDTH, "time_width", "torus_transformer.")
        within(self, 0, 0.9, "dropout", "torus_transformer.")
        if self.width % self.heads:
            raise RecipeError(
                f"torus_transformer.width = {self.width} can't be divided among {self.heads} heads",
                "give a width that is a multiple of torus_transformer.heads",
            )


class TorusTransformer(Denoiser):
    """See the module's text. It has the heads that the processes need."""

    settings, takes_condition, embeds = TorusTransformerSettings, True, True

    def __init__(
        self,
        settings: TorusTransformerSettings,
        heads: dict[str, Head],
        shown: Shown = Shown(),
    ) -> None:
        super().__init__()
        check_lattice(shown, heads)
        s = settings
        self.species = species_layer(s.width, shown)
        self.time = TimeFeatures(s.time_width)
        cell_width = s.time_width + shown.lattice + 1
        self.cell = nn.Sequential(nn.Linear(cell_width, s.width), nn.SiLU(), nn.Linear(s.width, s.width))
        self.pairs = PairEmbedding(s, shown)
        self.blocks = nn.ModuleList(Block(s) for _ in range(s.layers))
        self.norm = nn.LayerNorm(s.width)
        self.levels = {name: head.level for name, head in heads.items()}
        self.heads = nn.ModuleDict({name: _head(s.width, head.width) for name, head in heads.items()})
        passes = (
            s.skip and "species" in heads and shown.species and shown.species % heads["species"].width == 0
        )
        self.skip = _head(s.width, 1) if passes else None
        self.index = index_layer(s.index, s.width, shown, "species" in heads)
        self.distances = DistanceFeatures(s.width, s.pair_width) if s.distances else None
        self.reads_cell = s.distances
        self.drops, self.blot = s.dropout > 0, nn.Dropout(s.dropout)
        self.conditioned(shown, s.width, s.layers)

    def forward(self, inputs: dict[str, Tensor], t: PerCrystal, mask: Mask) -> dict[str, Tensor]:
        size = mask.sum(1, keepdim=True).to(t.dtype).log()
        lattice = invariants(inputs["lattice"])
        if lattice.shape[-1] in MATRICES:
            lattice = lattice.sign() * lattice.abs().log1p()
        cell = self.cell(torch.cat([self.time(t), lattice, size], -1))
        species = self.species(inputs["species"])
        if self.index is not None:
            species = species + self.index(inputs["species"], mask)
        species = self.blot(species)
        x = species + cell.unsqueeze(1)
        velocity = inputs["velocity"] if self.pairs.velocity is not None else None
        near = None
        if self.distances is not None:
            near = self.distances(inputs["frac"], inputs["cell"], mask, cell)
        pairs = self.pairs(inputs["frac"], velocity, species, cell, near)
        # On other devices than a CPU this check would wait for the device.
        closed = None if mask.device.type == "cpu" and bool(mask.all()) else ~mask[:, None, None, :]
        told = self.steered(inputs)
        for number, block in enumerate(self.blocks):
            x = block(told.before(number, x, _over_atoms), pairs, closed)
        answers = self.answers(self.norm(x), inputs["lattice"], mask)
        if self.skip is not None:
            asked = answers["species"]
            noisy = inputs["species"][..., : asked.shape[-1]].to(asked.dtype)
            answers["species"] = asked + self.skip(cell).unsqueeze(1) * noisy
        return answers


def _over_atoms(x: Tensor) -> Tensor:
    """The values of each crystal, to broadcast over its atoms."""
    return x.unsqueeze(1)


def _head(width: int, out: int) -> nn.Module:
    """Two layers, the last one zero at the start, so that the first predictions are the mean."""
    last = nn.Linear(width, out, bias=False)
    nn.init.zeros_(last.weight)
    return nn.Sequential(nn.Linear(width, width), nn.SiLU(), last)


class PairEmbedding(nn.Module):
    """Features of ordered pairs (i, j), embedded once for all layers. [crystals, atoms, atoms, pair_width]"""

    frequencies: Tensor

    def __init__(self, s: TorusTransformerSettings, shown: Shown) -> None:
        super().__init__()
        self.register_buffer("frequencies", torch.arange(1, s.frequencies + 1).float(), persistent=False)
        self.sines = nn.Linear(3 * s.frequencies, s.pair_width, bias=False)
        self.cosines = nn.Linear(3 * s.frequencies, s.pair_width, bias=False)
        self.velocity = nn.Linear(shown.velocity, s.pair_width, bias=False) if shown.velocity else None
        self.sender = nn.Linear(s.width, s.pair_width, bias=False)
        self.receiver = nn.Linear(s.width, s.pair_width, bias=False)
        self.cell = nn.Linear(s.width, s.pair_width)
        self.mix = nn.Linear(s.pair_width, s.pair_width)
        self.norm = nn.LayerNorm(s.pair_width)

    def forward(
        self,
        frac: PerAtom3,
        velocity: PerAtom | None,
        species: Tokens,
        cell: Summary,
        near: Pairs | None = None,
    ) -> Pairs:
        """near: more features, of distances."""
        sin, cos = torus_waves(frac, self.frequencies)
        receiver, sender = self.receiver(species), self.sender(species)
        if self.velocity is not None:
            assert velocity is not None, "a network with velocities needs them as input"
            moved = self.velocity(velocity)
            receiver, sender = receiver - moved, sender + moved
        receiver = receiver + self.cell(cell).unsqueeze(1)
        hidden = self.sines(sin) + self.cosines(cos) + receiver.unsqueeze(2) + sender.unsqueeze(1)
        if near is not None:
            hidden = hidden + near
        return self.norm(self.mix(F.silu(hidden)))


class Block(nn.Module):
    """Pre-norm attention over atoms and pairs, then a gated MLP."""

    def __init__(self, s: TorusTransformerSettings) -> None:
        super().__init__()
        self.heads = s.heads
        hidden = 32 * round(s.width * 8 / 3 / 32)
        self.norm_1 = nn.LayerNorm(s.width)
        self.norm_2 = nn.LayerNorm(s.width)
        self.qkv = nn.Linear(s.width, 3 * s.width, bias=False)
        self.bias = nn.Linear(s.pair_width, s.heads, bias=False)
        self.out = nn.Linear(s.width + s.heads * s.pair_width, s.width)
        self.gate = nn.Linear(s.width, 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, s.width, bias=False)
        self.blot = nn.Dropout(s.dropout)

    def forward(self, x: Tokens, pairs: Pairs, closed: Tensor | None) -> Tokens:
        x = x + self.blot(self.attend(self.norm_1(x), pairs, closed))
        gate, value = self.gate(self.norm_2(x)).chunk(2, -1)
        return x + self.blot(self.down(F.silu(gate) * value))

    def attend(self, x: Tokens, pairs: Pairs, closed: Tensor | None) -> Tokens:
        qkv, bias = self.qkv(x), self.bias(pairs)
        if x.device.type != "cpu":
            return self.out(self._heard(qkv, bias, pairs, closed))
        # Thousands of products of a dozen rows, 2 % of all: in bfloat16 a CPU spends more on casts than on them.
        with torch.autocast("cpu", enabled=False):
            heard = self._heard(
                at_least_float32(qkv), at_least_float32(bias), at_least_float32(pairs), closed
            )
        return self.out(heard)

    def _heard(self, qkv: Tensor, bias: Biases, pairs: Pairs, closed: Tensor | None) -> Tensor:
        """What each atom receives from the others and from its pairs, all heads side by side. [crystals, atoms, ...]"""
        crystals, atoms, _ = qkv.shape
        q, k, v = qkv.view(crystals, atoms, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        logits = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5 + bias.permute(0, 3, 1, 2)
        if closed is not None:
            logits = logits.masked_fill(closed, float("-inf"))
        attention = torch.softmax(logits, -1)
        from_atoms = (attention.to(v.dtype) @ v).transpose(1, 2).reshape(crystals, atoms, -1)
        from_pairs = attention.to(pairs.dtype).transpose(1, 2) @ pairs
        return torch.cat([from_atoms, from_pairs.reshape(crystals, atoms, -1)], -1)
