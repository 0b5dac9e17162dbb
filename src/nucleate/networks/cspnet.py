"""CSPNet with or without velocities: KLDM (arXiv 2507.03602, appendix I), DiffCSP (arXiv 2309.04475), EquiCSP.

Each layer sends a message along every ordered pair of different atoms, with `loops` also from an atom to itself,

    m_i = mean_j SiLU(E2 SiLU(E1 [h_i, h_j, lattice, W_v (v_j - v_i), sin 2 pi k (f_j - f_i), cos 2 pi k (f_j - f_i)])),

with k = 0 .. 127, and adds a two-layer function of [h_i, m_i] to the atom. E1 is one matrix of the published shape, but
its input is never built: its columns are split, and the products for atoms, crystals and waves are added. W_v is folded
into the columns that read it, which leaves three numbers for each velocity; a network without velocities lacks these
columns. A lattice given as a matrix L enters as the nine numbers of L L^T. KLDM's paper sums messages where its code,
which we follow, takes the mean. The published networks read the time u = 1 - t.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from nucleate.arrays import Mask, PerAtom3, PerCrystal
from nucleate.networks.base import (
    MOST_LAYERS,
    MOST_WIDTH,
    Denoiser,
    Head,
    Shown,
    SinusoidalTime,
    TimeFeatures,
    check_lattice,
    invariants,
    torus_waves,
)
from nucleate.networks.index import index_layer
from nucleate.networks.packed_edges import PackedEdges
from nucleate.networks.wave_table import WaveTable
from nucleate.settings import within

ENOUGH_FOR_TABLE = 2048
"""Number of edges in a batch from which packing pays."""


@dataclass(frozen=True)
class CSPNetSettings:
    """Settings of CSPNet; the defaults are KLDM's for MP-20, `DIFFCSP` holds those of DiffCSP and EquiCSP.

    Attributes:
        width: channels of a node.
        layers: message-passing layers (the paper takes 4 for Perov-5).
        frequencies: waves of the coordinate differences on each axis, 0 to this number minus 1.
        time_width: features of time.
        time: random Fourier features, or sinusoids of the number of the step.
        loops: whether an atom also sends a message to itself.
        elements: rows of the species embedding: 101 for the atomic numbers 0 (not known) to 100, 100 for 1 to 100.
        species_bias: whether the layer that reads species vectors has a bias.
        frac_layers: layers of the head for coordinates, 2 or 1.
        index: tell atoms of one element apart by their order (`nucleate.networks.index`).
    """

    width: int = 512
    layers: int = 6
    frequencies: int = 128
    time_width: int = 256
    time: Literal["fourier", "sinusoidal"] = "fourier"
    loops: bool = False
    elements: Literal[100, 101] = 101
    species_bias: bool = False
    frac_layers: Literal[1, 2] = 2
    index: bool = False

    def __post_init__(self) -> None:
        within(self, 1, MOST_WIDTH, "width frequencies", "cspnet.")
        within(self, 1, MOST_LAYERS, "layers", "cspnet.")
        within(self, 2, MOST_WIDTH, "time_width", "cspnet.")


DIFFCSP = CSPNetSettings(time="sinusoidal", loops=True, elements=100, species_bias=True, frac_layers=1)
"""The published layout of DiffCSP, with lattices of 9 numbers, and of EquiCSP, with 6; no velocities."""


class CSPNet(Denoiser):
    """See the module's text. 14,924,800 parameters with the default settings and the heads of KLDM."""

    settings, takes_condition, embeds = CSPNetSettings, True, True

    def __init__(
        self,
        settings: CSPNetSettings,
        heads: dict[str, Head],
        shown: Shown = Shown(),
    ) -> None:
        super().__init__()
        check_lattice(shown, heads)
        s = settings
        self.species: nn.Module = nn.Embedding(s.elements, s.width)
        if shown.species:
            self.species = nn.Linear(shown.species, s.width, bias=s.species_bias)
        self.time = TimeFeatures(s.time_width) if s.time == "fourier" else SinusoidalTime(s.time_width)
        self.join = nn.Linear(s.width + s.time_width, s.width)
        self.layers = nn.ModuleList(MessageLayer(s, shown) for _ in range(s.layers))
        self.norm = nn.LayerNorm(s.width)
        self.levels = {name: head.level for name, head in heads.items()}
        self.heads = nn.ModuleDict({name: _head(name, s, head) for name, head in heads.items()})
        self.waves = WaveTable(s.frequencies)
        self.loops, self.elements, self.shown = s.loops, s.elements, shown
        self.index = index_layer(s.index, s.width, shown, "species" in heads)
        self.conditioned(shown, s.width, s.layers)

    def forward(self, inputs: dict[str, Tensor], t: PerCrystal, mask: Mask) -> dict[str, Tensor]:
        graph = self._graph(inputs["frac"], mask)
        species = self.species(graph.pack(self._rows(inputs["species"], mask)))
        if self.index is not None:
            species = species + graph.pack(self.index(inputs["species"], mask))
        time = graph.spread(self.time(1 - t)).expand(*species.shape[:-1], -1)
        x = self.join(torch.cat([species, time], -1))
        lattice = invariants(inputs["lattice"])
        velocity = graph.pack(inputs["velocity"]) if self.shown.velocity else None
        told = self.steered(inputs)
        for number, layer in enumerate(self.layers):
            x = layer(told.before(number, x, graph.spread), velocity, lattice, graph)
        return self.answers(graph.unpack(self.norm(x)), inputs["lattice"], mask)

    def _rows(self, species: Tensor, mask: Mask) -> Tensor:
        """Rows of the embedding. Without a row for 0 an unknown atom is an index error, not hydrogen."""
        if species.is_floating_point() or self.elements == 101:
            return species
        return torch.where(mask, species - 1, 0)

    def layout(self, frac: PerAtom3, mask: Mask) -> Literal["packed", "dense"]:
        """How the edges of this batch are stored, under the present autocast."""
        if frac.device.type != "cpu":  # where counting edges would wait for the device
            return "dense"
        sizes = mask.sum(1)
        edges = int((sizes * (sizes if self.loops else sizes - 1)).sum())
        weights = torch.promote_types(self.norm.weight.dtype, frac.dtype)
        differentiated = torch.is_grad_enabled() and frac.requires_grad
        return layout_of("cpu", weights, products_on("cpu"), edges, differentiated)

    def _graph(self, frac: PerAtom3, mask: Mask) -> DenseEdges | PackedEdges:
        if self.layout(frac, mask) == "packed":
            return PackedEdges(frac, mask, self.waves, self.loops, products_on("cpu"))
        return DenseEdges(frac, mask, self.waves.frequencies, self.loops)


def products_on(device: str) -> torch.dtype:
    """The precision of products of float32 numbers under the present autocast."""
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else torch.float32


def layout_of(
    device: str, weights: torch.dtype, products: torch.dtype, edges: int, differentiated: bool
) -> Literal["packed", "dense"]:
    """Packed edges and the wave table pay on a CPU, with float32 and with bfloat16 products, unless edges are few;
    elsewhere dense products do. `differentiated`: the coordinates need a gradient, which the table lacks."""
    known = weights == torch.float32 and products in (torch.float32, torch.bfloat16)
    packed = device == "cpu" and known and edges >= ENOUGH_FOR_TABLE and not differentiated
    return "packed" if packed else "dense"


class MessageLayer(nn.Module):
    """One layer of messages; parameters of the published shapes."""

    def __init__(self, s: CSPNetSettings, shown: Shown) -> None:
        super().__init__()
        waves = 6 * s.frequencies
        self.columns = [s.width, s.width, shown.lattice, waves if shown.velocity else 0, waves]
        self.norm = nn.LayerNorm(s.width)
        self.velocity = nn.Linear(shown.velocity, waves) if shown.velocity else None
        self.edge_1 = nn.Linear(sum(self.columns), s.width)
        self.edge_2 = nn.Linear(s.width, s.width)
        self.node = nn.Sequential(
            nn.Linear(2 * s.width, s.width), nn.SiLU(), nn.Linear(s.width, s.width), nn.SiLU()
        )

    def forward(
        self, x: Tensor, velocity: Tensor | None, lattice: Tensor, graph: DenseEdges | PackedEdges
    ) -> Tensor:
        """x and velocity as the graph packs them, [..., width] and [..., 3]; lattice [crystals, numbers]."""
        h = self.norm(x)
        of_receiver, of_sender, of_lattice, of_velocity, of_waves = self.edge_1.weight.split(self.columns, 1)
        receiver, sender, bias = F.linear(h, of_receiver), F.linear(h, of_sender), self.edge_1.bias
        # Products of three and six numbers gain nothing in bfloat16, since the wide columns would be cast first.
        with torch.autocast(x.device.type, enabled=False):
            if self.velocity is not None:
                assert velocity is not None, "a network with velocities needs them as input"
                moved = F.linear(velocity, of_velocity @ self.velocity.weight)
                receiver, sender = receiver - moved, sender + moved
                bias = bias + of_velocity @ self.velocity.bias
            receiver = receiver + graph.spread(F.linear(lattice, of_lattice, bias))
        message = graph.messages(receiver, sender, of_waves, self.edge_2)
        return x + self.node(torch.cat([h, message], -1))


class DenseEdges:
    """All ordered pairs of a padded batch, [crystals, atoms i, atoms j]. Padding has weight zero, and (i, i) unless
    loops.
    """

    def __init__(self, frac: PerAtom3, mask: Mask, frequencies: int, loops: bool = False) -> None:
        waves = torch.cat(torus_waves(frac, torch.arange(frequencies, device=frac.device)), -1)
        device = frac.device.type
        if torch.is_autocast_enabled(device):
            waves = waves.to(torch.get_autocast_dtype(device))
        self.waves = waves
        pairs = mask.unsqueeze(2) & mask.unsqueeze(1)
        if not loops:
            pairs = pairs & ~torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device)
        self.share = pairs / pairs.sum(2, keepdim=True).clamp(min=1).to(frac.dtype)

    def pack(self, x: Tensor) -> Tensor:
        return x

    def unpack(self, x: Tensor) -> Tensor:
        return x

    def spread(self, x: Float[Tensor, "crystals channels"]) -> Float[Tensor, "crystals 1 channels"]:
        """The values of each crystal, to broadcast over its atoms."""
        return x.unsqueeze(1)

    def messages(self, receiver: Tensor, sender: Tensor, wave_weight: Tensor, second: nn.Linear) -> Tensor:
        """Mean over j of SiLU(second(SiLU(receiver_i + sender_j + waves_ij))); zero for a lone atom."""
        first = F.linear(self.waves, wave_weight)
        first += receiver.unsqueeze(2)
        first += sender.unsqueeze(1)
        hidden = F.silu(second(F.silu(first)))
        return (self.share.to(hidden.dtype).unsqueeze(2) @ hidden).squeeze(2)


def _head(name: str, s: CSPNetSettings, head: Head) -> nn.Module:
    """Published heads: one or two layers for coordinates, one for everything else; only that of species has a bias."""
    first = [nn.Linear(s.width, s.width), nn.SiLU()] if name == "frac" and s.frac_layers == 2 else []
    last = nn.Linear(s.width, head.width, bias=name != "frac" and head.level == "atom")
    return nn.Sequential(*first, last) if first else last
