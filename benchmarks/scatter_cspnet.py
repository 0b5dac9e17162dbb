"""CSPNet with velocities as public codes write it: a flat list of edges, the concatenated input, index_add.

The plain implementation that `nucleate.networks.cspnet` is checked against and timed against. It has the same
parameters under the same names, so it loads the same state dict.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nucleate.networks.base import Head, TimeFeatures
from nucleate.networks.cspnet import SPECIES, CSPNetSettings


@dataclass(frozen=True)
class Graph:
    """A flat batch: the crystal of each atom [atoms], and receiver and sender of each edge [edges]."""

    crystal: Tensor
    receiver: Tensor
    sender: Tensor
    crystals: int

    @classmethod
    def of(cls, mask: Tensor) -> Graph:
        """All ordered pairs of different atoms in each crystal of a padded batch."""
        number = torch.full(mask.shape, -1, device=mask.device)
        number[mask] = torch.arange(int(mask.sum()), device=mask.device)
        different = ~torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device)
        crystal, i, j = (mask.unsqueeze(2) & mask.unsqueeze(1) & different).nonzero(as_tuple=True)
        return cls(mask.nonzero()[:, 0], number[crystal, i], number[crystal, j], len(mask))


class ScatterCSPNet(nn.Module):
    """Takes flat atoms: species [atoms], frac and velocity [atoms, 3]; lattice [crystals, 6], t [crystals]."""

    def __init__(self, settings: CSPNetSettings, heads: dict[str, Head], lattice_width: int = 6) -> None:
        super().__init__()
        s = settings
        self.species = nn.Embedding(SPECIES, s.width)
        self.time = TimeFeatures(s.time_width)
        self.join = nn.Linear(s.width + s.time_width, s.width)
        self.layers = nn.ModuleList(ScatterLayer(s, lattice_width) for _ in range(s.layers))
        self.norm = nn.LayerNorm(s.width)
        self.frequencies, self.levels = s.frequencies, {name: head.level for name, head in heads.items()}
        self.heads = nn.ModuleDict()
        for name, head in heads.items():
            last = nn.Linear(s.width, head.width, bias=name != "frac" and head.level == "atom")
            two = nn.Sequential(nn.Linear(s.width, s.width), nn.SiLU(), last)
            self.heads[name] = two if name == "frac" else last

    def forward(self, inputs: dict[str, Tensor], t: Tensor, graph: Graph) -> dict[str, Tensor]:
        x = self.join(torch.cat([self.species(inputs["species"]), self.time(1 - t)[graph.crystal]], -1))
        difference = inputs["frac"][graph.sender] - inputs["frac"][graph.receiver]
        waves = self._waves(difference)
        moved = inputs["velocity"][graph.sender] - inputs["velocity"][graph.receiver]
        lattice = inputs["lattice"][graph.crystal[graph.receiver]]
        for layer in self.layers:
            x = layer(x, lattice, moved, waves, graph)
        x = self.norm(x)
        pooled = scatter_mean(x, graph.crystal, graph.crystals)
        return {name: head(x if self.levels[name] == "atom" else pooled) for name, head in self.heads.items()}

    def _waves(self, difference: Tensor) -> Tensor:
        """Once for all layers, which is kinder than codes that compute them in each."""
        with torch.autocast(difference.device.type, enabled=False):
            k = torch.arange(self.frequencies, dtype=difference.dtype, device=difference.device)
            phase = 2 * torch.pi * (difference.unsqueeze(-1) * k).flatten(1)
            return torch.cat([phase.sin(), phase.cos()], -1)


class ScatterLayer(nn.Module):
    """One layer, with the edge input concatenated."""

    def __init__(self, s: CSPNetSettings, lattice_width: int) -> None:
        super().__init__()
        waves = 6 * s.frequencies
        self.norm = nn.LayerNorm(s.width)
        self.velocity = nn.Linear(3, waves)
        self.edge_1 = nn.Linear(2 * s.width + lattice_width + 2 * waves, s.width)
        self.edge_2 = nn.Linear(s.width, s.width)
        self.node = nn.Sequential(
            nn.Linear(2 * s.width, s.width), nn.SiLU(), nn.Linear(s.width, s.width), nn.SiLU()
        )
        self.act = nn.SiLU()

    def forward(self, x: Tensor, lattice: Tensor, moved: Tensor, waves: Tensor, graph: Graph) -> Tensor:
        h = self.norm(x)
        edge = torch.cat([h[graph.receiver], h[graph.sender], lattice, self.velocity(moved), waves], -1)
        edge = self.act(self.edge_2(self.act(self.edge_1(edge))))
        message = scatter_mean(edge, graph.receiver, len(x))
        return x + self.node(torch.cat([h, message], -1))


def scatter_mean(x: Tensor, index: Tensor, length: int) -> Tensor:
    """Mean of the rows with the same index, zero where there are none. [length, channels]"""
    total = x.new_zeros(length, x.shape[-1]).index_add_(0, index, x)
    count = x.new_zeros(length).index_add_(0, index, x.new_ones(len(index)))
    return total / count.clamp(min=1).unsqueeze(-1)
