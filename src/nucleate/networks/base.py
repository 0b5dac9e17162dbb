"""What every denoiser is: named inputs and a time in, named predictions out. It never sees a process.

Inputs are `species`, atomic numbers [crystals, atoms] or vectors [crystals, atoms, width], `frac` [crystals, atoms, 3]
in cell units, `velocity` [crystals, atoms, 3] and `lattice` [crystals, 6]. A network has one head for each quantity it
is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nucleate.arrays import Mask, PerCrystal, Species
from nucleate.elements import MAX_ATOMIC_NUMBER, group_of, period_of


@dataclass(frozen=True)
class Head:
    """A quantity that a network predicts: for each `atom` or for the `cell`, with so many channels."""

    level: Literal["atom", "cell"]
    width: int


class Denoiser(nn.Module):
    """Base of all networks."""

    def forward(self, inputs: dict[str, Tensor], t: PerCrystal, mask: Mask) -> dict[str, Tensor]:
        """Predictions by the names of the heads: [crystals, atoms, width] or [crystals, width]."""
        raise NotImplementedError


def masked_mean(
    x: Float[Tensor, "crystals atoms channels"], mask: Mask
) -> Float[Tensor, "crystals channels"]:
    """Mean over the real atoms of each crystal."""
    real = mask.unsqueeze(-1).to(x.dtype)
    return (x * real).sum(1) / real.sum(1)


def torus_waves(frac: Float[Tensor, "crystals atoms 3"], frequencies: Tensor) -> tuple[Tensor, Tensor]:
    """Sines and cosines of 2 pi k (f_j - f_i) for all pairs, from those of single atoms by the addition theorems.

    Two tensors [crystals, atoms i, atoms j, 3 * frequencies], float32 whatever the autocast.
    """
    with torch.autocast(frac.device.type, enabled=False):
        phase = 2 * torch.pi * (frac.unsqueeze(-1) * frequencies.to(frac.dtype)).flatten(-2)
        sin, cos = phase.sin(), phase.cos()
        sin_i, cos_i, sin_j, cos_j = sin.unsqueeze(2), cos.unsqueeze(2), sin.unsqueeze(1), cos.unsqueeze(1)
        return sin_j * cos_i - cos_j * sin_i, cos_j * cos_i + sin_j * sin_i


EMBEDDING_SCALE = 0.02
"""Standard deviation of initial vectors. At 1, the default, they drown what the first layers say about geometry: on
MP-20 the coordinate loss then stays on its plateau for more than 80,000 crystals, here it leaves it after 15,000."""


class SpeciesEmbedding(nn.Module):
    """Sum of learned vectors of the element, its period and its column, so that rare elements learn from relatives."""

    period: Tensor
    group: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        numbers = range(MAX_ATOMIC_NUMBER + 1)
        self.register_buffer("period", torch.tensor([period_of(n) for n in numbers]), persistent=False)
        self.register_buffer("group", torch.tensor([group_of(n) for n in numbers]), persistent=False)
        self.element_vectors = nn.Embedding(MAX_ATOMIC_NUMBER + 1, width)
        self.period_vectors = nn.Embedding(8, width)
        self.group_vectors = nn.Embedding(33, width)
        for vectors in (self.element_vectors, self.period_vectors, self.group_vectors):
            nn.init.normal_(vectors.weight, std=EMBEDDING_SCALE)

    def forward(self, species: Species) -> Float[Tensor, "crystals atoms width"]:
        period, group = self.period[species], self.group[species]
        return self.element_vectors(species) + self.period_vectors(period) + self.group_vectors(group)


def species_layer(width: int, species_width: int) -> nn.Module:
    """From species to vectors of atoms: of atomic numbers, or of vectors if species_width is not 0."""
    if not species_width:
        return SpeciesEmbedding(width)
    layer = nn.Linear(species_width, width, bias=False)
    nn.init.normal_(layer.weight, std=EMBEDDING_SCALE)
    return layer


class TimeFeatures(nn.Module):
    """Fixed random Fourier features of time (Tancik et al. 2020): [crystals] to [crystals, width]."""

    frequencies: Tensor

    def __init__(self, width: int, seed: int = 0) -> None:
        super().__init__()
        draws = torch.randn(width // 2, generator=torch.Generator().manual_seed(seed))
        self.register_buffer("frequencies", draws)

    def forward(self, t: PerCrystal) -> Float[Tensor, "crystals width"]:
        with torch.autocast(t.device.type, enabled=False):
            phase = 2 * torch.pi * t.unsqueeze(-1) * self.frequencies.to(t.dtype)
            return torch.cat([phase.cos(), phase.sin()], -1)
