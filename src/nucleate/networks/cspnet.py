"""CSPNet with velocities, the network of KLDM (arXiv 2507.03602, appendix I) after DiffCSP (arXiv 2309.04475).

Each layer sends a message along every ordered pair of different atoms,

    m_i = mean_j SiLU(E2 SiLU(E1 [h_i, h_j, lattice, W_v (v_j - v_i), sin 2 pi k (f_j - f_i), cos 2 pi k (f_j - f_i)])),

with k = 0 .. 127, and adds a two-layer function of [h_i, m_i] to the atom. E1 is one matrix of the published shape, but
its input is never built: its columns are split, the terms of atoms, crystals and waves have their own products and
are added. W_v is folded into the columns that read it, which leaves three numbers for each velocity. The paper sums
messages where its code, which we follow, takes the mean. The published network is shown the time u = 1 - t.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from nucleate.arrays import Mask, PerAtom3, PerCrystal
from nucleate.networks.base import Denoiser, Head, TimeFeatures, masked_mean, torus_waves
from nucleate.networks.packed_edges import PackedEdges
from nucleate.networks.wave_table import WaveTable

SPECIES = 101
ENOUGH_FOR_TABLE = 2048


@dataclass(frozen=True)
class CSPNetSettings:
    """Settings of CSPNet; the defaults are the paper's for MP-20.

    Attributes:
        width: channels of a node. layers: message-passing layers (the paper takes 4 for Perov-5).
        frequencies: waves of the coordinate differences on each axis, 0 to this number minus 1.
        time_width: random Fourier features of time.
    """

    width: int = 512
    layers: int = 6
    frequencies: int = 128
    time_width: int = 256


class CSPNet(Denoiser):
    """See the module's text. 14,924,800 parameters with the default settings and the heads of KLDM."""

    def __init__(
        self,
        settings: CSPNetSettings,
        heads: dict[str, Head],
        lattice_width: int = 6,
        species_width: int = 0,
    ) -> None:
        super().__init__()
        s = settings
        self.species: nn.Module = nn.Embedding(SPECIES, s.width)
        if species_width:
            self.species = nn.Linear(species_width, s.width, bias=False)
        self.time = TimeFeatures(s.time_width)
        self.join = nn.Linear(s.width + s.time_width, s.width)
        self.layers = nn.ModuleList(MessageLayer(s, lattice_width) for _ in range(s.layers))
        self.norm = nn.LayerNorm(s.width)
        self.levels = {name: head.level for name, head in heads.items()}
        self.heads = nn.ModuleDict({name: _head(name, s.width, head) for name, head in heads.items()})
        self.waves = WaveTable(s.frequencies)

    def forward(self, inputs: dict[str, Tensor], t: PerCrystal, mask: Mask) -> dict[str, Tensor]:
        graph = self._graph(inputs["frac"], mask)
        velocity, species = graph.pack(inputs["velocity"]), self.species(graph.pack(inputs["species"]))
        time = graph.spread(self.time(1 - t)).expand(*species.shape[:-1], -1)
        x = self.join(torch.cat([species, time], -1))
        for layer in self.layers:
            x = layer(x, velocity, inputs["lattice"], graph)
        x = graph.unpack(self.norm(x))
        pooled = masked_mean(x, mask)
        return {name: head(x if self.levels[name] == "atom" else pooled) for name, head in self.heads.items()}

    def _graph(self, frac: PerAtom3, mask: Mask) -> DenseEdges | PackedEdges:
        """Packed edges and the wave table pay on a CPU in float32; elsewhere dense products do."""
        plain = frac.device.type == "cpu" and self.norm.weight.dtype == frac.dtype == torch.float32
        differentiated = torch.is_grad_enabled() and frac.requires_grad
        if plain and not differentiated and not torch.is_autocast_enabled("cpu"):
            sizes = mask.sum(1)
            if int((sizes * (sizes - 1)).sum()) >= ENOUGH_FOR_TABLE:
                return PackedEdges(frac, mask, self.waves)
        return DenseEdges(frac, mask, self.waves.frequencies)


class MessageLayer(nn.Module):
    """One layer of messages; parameters of the published shapes."""

    def __init__(self, s: CSPNetSettings, lattice_width: int) -> None:
        super().__init__()
        waves = 6 * s.frequencies
        self.columns = [s.width, s.width, lattice_width, waves, waves]
        self.norm = nn.LayerNorm(s.width)
        self.velocity = nn.Linear(3, waves)
        self.edge_1 = nn.Linear(sum(self.columns), s.width)
        self.edge_2 = nn.Linear(s.width, s.width)
        self.node = nn.Sequential(
            nn.Linear(2 * s.width, s.width), nn.SiLU(), nn.Linear(s.width, s.width), nn.SiLU()
        )

    def forward(
        self, x: Tensor, velocity: Tensor, lattice: Tensor, graph: DenseEdges | PackedEdges
    ) -> Tensor:
        """x and velocity as the graph packs them, [..., width] and [..., 3]; lattice [crystals, 6]."""
        h = self.norm(x)
        of_receiver, of_sender, of_lattice, of_velocity, of_waves = self.edge_1.weight.split(self.columns, 1)
        moved = F.linear(velocity, of_velocity @ self.velocity.weight)
        cell = F.linear(lattice, of_lattice, self.edge_1.bias + of_velocity @ self.velocity.bias)
        receiver = F.linear(h, of_receiver) - moved + graph.spread(cell)
        sender = F.linear(h, of_sender) + moved
        message = graph.messages(receiver, sender, of_waves, self.edge_2)
        return x + self.node(torch.cat([h, message], -1))


class DenseEdges:
    """All ordered pairs of a padded batch, [crystals, atoms i, atoms j]. Padding and (i, i) have weight zero."""

    def __init__(self, frac: PerAtom3, mask: Mask, frequencies: int) -> None:
        waves = torch.cat(torus_waves(frac, torch.arange(frequencies, device=frac.device)), -1)
        device = frac.device.type
        if torch.is_autocast_enabled(device):
            waves = waves.to(torch.get_autocast_dtype(device))
        self.waves = waves
        pairs = (
            mask.unsqueeze(2)
            & mask.unsqueeze(1)
            & ~torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device)
        )
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


def _head(name: str, width: int, head: Head) -> nn.Module:
    """Published heads: two layers for the velocities of coordinates, one for everything else."""
    if name == "frac":
        return nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, head.width, bias=False))
    return nn.Linear(width, head.width, bias=head.level == "atom")
