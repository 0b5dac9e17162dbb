"""CSPNet of KLDM, DiffCSP and EquiCSP as public codes write it: a flat list of edges, one long input, index_add.

The plain implementation that `nucleate.networks.cspnet` is checked against and timed against. It has the same
parameters under the same names, so it loads the same state dict.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nucleate.networks.base import Head, Shown, TimeFeatures
from nucleate.networks.cspnet import CSPNetSettings


@dataclass(frozen=True)
class Graph:
    """A flat batch: the crystal of each atom [atoms], and receiver and sender of each edge [edges]."""

    crystal: Tensor
    receiver: Tensor
    sender: Tensor
    crystals: int

    @classmethod
    def of(cls, mask: Tensor, loops: bool = False) -> Graph:
        """All ordered pairs of atoms in each crystal of a padded batch; an atom with itself only with loops."""
        number = torch.full(mask.shape, -1, device=mask.device)
        number[mask] = torch.arange(int(mask.sum()), device=mask.device)
        pairs = mask.unsqueeze(2) & mask.unsqueeze(1)
        if not loops:
            pairs = pairs & ~torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device)
        crystal, i, j = pairs.nonzero(as_tuple=True)
        return cls(mask.nonzero()[:, 0], number[crystal, i], number[crystal, j], len(mask))


class ScatterCSPNet(nn.Module):
    """Takes flat atoms: species [atoms] or [atoms, width], frac, velocity [atoms, 3 or 6]; lattice and t of crystals.

    The graph must have loops if the settings say so.
    """

    def __init__(
        self,
        settings: CSPNetSettings,
        heads: dict[str, Head],
        shown: Shown = Shown(),
    ) -> None:
        super().__init__()
        s = self.settings = settings
        self.species = nn.Embedding(s.elements, s.width)
        if shown.species:
            self.species = nn.Linear(shown.species, s.width, bias=s.species_bias)
        if s.time == "fourier":
            self.time = TimeFeatures(s.time_width)
        self.join = nn.Linear(s.width + s.time_width, s.width)
        self.layers = nn.ModuleList(ScatterLayer(s, shown) for _ in range(s.layers))
        self.norm = nn.LayerNorm(s.width)
        self.frequencies, self.levels = s.frequencies, {name: head.level for name, head in heads.items()}
        self.heads = nn.ModuleDict()
        for name, head in heads.items():
            last = nn.Linear(s.width, head.width, bias=name != "frac" and head.level == "atom")
            two = nn.Sequential(nn.Linear(s.width, s.width), nn.SiLU(), last)
            self.heads[name] = two if name == "frac" and s.frac_layers == 2 else last

    def forward(self, inputs: dict[str, Tensor], t: Tensor, graph: Graph) -> dict[str, Tensor]:
        species = inputs["species"]
        if self.settings.elements == 100 and not species.is_floating_point():
            species = species - 1
        time = self.time(1 - t) if self.settings.time == "fourier" else self._steps(1 - t)
        x = self.join(torch.cat([self.species(species), time[graph.crystal]], -1))
        waves = self._waves(inputs["frac"][graph.sender] - inputs["frac"][graph.receiver])
        moved = None
        if self.layers[0].velocity is not None:
            moved = inputs["velocity"][graph.sender] - inputs["velocity"][graph.receiver]
        lattice = inner_products(inputs["lattice"])[graph.crystal[graph.receiver]]
        for layer in self.layers:
            x = layer(x, lattice, moved, waves, graph)
        x = self.norm(x)
        pooled = scatter_mean(x, graph.crystal, graph.crystals)
        out = {name: head(x if self.levels[name] == "atom" else pooled) for name, head in self.heads.items()}
        if inputs["lattice"].shape[-1] % 9 == 0:
            cell = inputs["lattice"][:, :9].view(-1, 3, 3)
            parts = [
                torch.bmm(part.reshape(-1, 3, 3), cell).flatten(1) for part in out["lattice"].split(9, 1)
            ]
            out["lattice"] = torch.cat(parts, 1)
        return out

    def _steps(self, u: Tensor) -> Tensor:
        """Sinusoids of the step 1000 u."""
        half = self.settings.time_width // 2
        k = torch.arange(half, dtype=u.dtype, device=u.device)
        phase = (u * 1000).unsqueeze(1) / torch.pow(torch.tensor(1e4, dtype=u.dtype), k / (half - 1))
        return torch.cat([torch.sin(phase), torch.cos(phase)], 1)

    def _waves(self, difference: Tensor) -> Tensor:
        """Computed once for all layers, which is faster than the codes that compute them in each."""
        with torch.autocast(difference.device.type, enabled=False):
            k = torch.arange(self.frequencies, dtype=difference.dtype, device=difference.device)
            phase = 2 * torch.pi * (difference.unsqueeze(-1) * k).flatten(1)
            return torch.cat([phase.sin(), phase.cos()], -1)


class ScatterLayer(nn.Module):
    """One layer, with the edge input concatenated."""

    def __init__(self, s: CSPNetSettings, shown: Shown) -> None:
        super().__init__()
        waves = 6 * s.frequencies
        self.norm = nn.LayerNorm(s.width)
        self.velocity = nn.Linear(shown.velocity, waves) if shown.velocity else None
        edge_width = 2 * s.width + shown.lattice + (2 * waves if shown.velocity else waves)
        self.edge_1 = nn.Linear(edge_width, s.width)
        self.edge_2 = nn.Linear(s.width, s.width)
        self.node = nn.Sequential(
            nn.Linear(2 * s.width, s.width), nn.SiLU(), nn.Linear(s.width, s.width), nn.SiLU()
        )
        self.act = nn.SiLU()

    def forward(
        self, x: Tensor, lattice: Tensor, moved: Tensor | None, waves: Tensor, graph: Graph
    ) -> Tensor:
        h = self.norm(x)
        velocity = [] if self.velocity is None else [self.velocity(moved)]
        edge = torch.cat([h[graph.receiver], h[graph.sender], lattice, *velocity, waves], -1)
        edge = self.act(self.edge_2(self.act(self.edge_1(edge))))
        message = scatter_mean(edge, graph.receiver, len(x))
        return x + self.node(torch.cat([h, message], -1))


def inner_products(lattice: Tensor) -> Tensor:
    """L L^T for each matrix of nine numbers; other representations unchanged."""
    if lattice.shape[-1] % 9:
        return lattice
    cells = [part.reshape(-1, 3, 3) for part in lattice.split(9, 1)]
    return torch.cat([torch.bmm(cell, cell.transpose(1, 2)).flatten(1) for cell in cells], 1)


def scatter_mean(x: Tensor, index: Tensor, length: int) -> Tensor:
    """Mean of the rows with the same index, zero where there are none. [length, channels]"""
    total = x.new_zeros(length, x.shape[-1]).index_add_(0, index, x)
    count = x.new_zeros(length).index_add_(0, index, x.new_ones(len(index)))
    return total / count.clamp(min=1).unsqueeze(-1)
