"""What every denoiser is: named inputs and a time in, named predictions out. It never sees a process.

Inputs are
- `species`: atomic numbers [crystals, atoms] or vectors [crystals, atoms, width];
- `frac`: fractional coordinates [crystals, atoms, 3];
- `velocity`: [crystals, atoms, 3], or 6 with a guess beside it, or absent;
- `lattice`: [crystals, 6 or 9], or twice that with a guess behind it. Six numbers are a representation that no rotation
  changes; nine are the matrix, row by row, rows are cell vectors in Å;
- for a network that reads it (`reads_cell`) `cell`: the cell vectors that the lattice stands for [crystals, 3, 3], Å;
- in a model with conditions `condition` [crystals, columns], NaN where unknown, and `present`, False there.
`Shown` has the widths. A network has one head for each quantity that it predicts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nucleate.arrays import Mask, PerAtom, PerCrystal, Species, Vectors
from nucleate.data.described import Described
from nucleate.elements import MAX_ATOMIC_NUMBER, group_of, period_of
from nucleate.networks.conditioning import Conditioning, Steered

MOST_WIDTH = 16384
MOST_LAYERS = 1000
"""Limits of any network: with these its parameters are counted in a second, to see whether it fits into memory."""

Lattices: TypeAlias = Float[Tensor, "crystals numbers"]


@dataclass(frozen=True)
class Head:
    """A quantity that a network predicts: its level, each `atom` or the `cell`, and its channels."""

    level: Literal["atom", "cell"]
    width: int


@dataclass(frozen=True)
class Shown:
    """The channels of each input of a network.

    Attributes:
        lattice: 6 or 9, or twice that with a guess.
        species: width of species vectors, 0 for atomic numbers.
        velocity: 3, or 6 with a guess, or 0 without velocities.
        condition: columns of `condition`, 0 without any.
        told: the conditions and how they are read, where the network embeds them itself.
    """

    lattice: int = 6
    species: int = 0
    velocity: int = 3
    condition: int = 0
    told: tuple[tuple[str, Described], ...] = ()


class Denoiser(nn.Module):
    """Base of all networks.

    A network that is found by its name (`nucleate.networks.registry`) is made as Network(settings, heads, shown), with
    a `Head` for each name in heads.

    Attributes:
        settings: class of its settings, a frozen dataclass with defaults.
        takes_condition: whether it can be built into a model with conditions.
        reads_cell: whether it needs `cell` as an input.
        drops: whether it leaves channels out in training, at random.
        embeds: whether it reads conditions as they are described, by layers before each block (`conditioning`), and can
            have adapters. Others are shown bare numbers.
        levels: the level of each head.
        heads: the output module of each head.
        conditioning: where it embeds, the layers for its own conditions under OWN, then those of adapters by name.
        width: where it embeds, channels of an atom.
        depth: where it embeds, number of blocks.
    """

    settings: ClassVar[type[Any]]
    takes_condition: ClassVar[bool] = False
    reads_cell: bool = False
    drops: bool = False
    embeds: ClassVar[bool] = False
    conditioning: nn.ModuleDict
    width: int
    depth: int
    levels: dict[str, str]
    heads: nn.ModuleDict

    def forward(self, inputs: dict[str, Tensor], t: PerCrystal, mask: Mask) -> dict[str, Tensor]:
        """Predictions by the names of the heads: [crystals, atoms, width] or [crystals, width]."""
        raise NotImplementedError

    def answers(self, x: PerAtom, lattice: Lattices, mask: Mask) -> dict[str, Tensor]:
        """Outputs of the heads from the atoms' last vectors x: of each vector for atoms, of their mean for the cell."""
        pooled = masked_mean(x, mask)
        predictions = {
            name: head(x if self.levels[name] == "atom" else pooled) for name, head in self.heads.items()
        }
        if "lattice" in predictions:
            predictions["lattice"] = along_lattice(predictions["lattice"], lattice)
        return predictions

    def conditioned(self, shown: Shown, width: int, depth: int) -> None:
        """Make the layers for what it is told. To be called last, so that other weights begin as without."""
        self.width, self.depth = width, depth
        self.conditioning = nn.ModuleDict()
        if shown.told:
            self.conditioning[OWN] = Conditioning(shown.told, width, depth)

    def steered(self, inputs: dict[str, Tensor]) -> Steered:
        """What is added to the atoms before each block, for these inputs."""
        return Steered.of(self.conditioning, inputs)


OWN = "own"
MATRICES = (9, 18)


def check_lattice(shown: Shown, heads: dict[str, Head]) -> None:
    """Raises ValueError for a width of the lattice that networks don't know, or a head that does not fit it."""
    if shown.lattice not in (6, 12, *MATRICES):
        raise ValueError(f"a lattice must have 6 or 9 numbers, or 12 or 18 with a guess; got {shown.lattice}")
    fitting = MATRICES if shown.lattice in MATRICES else (6, 12)
    if "lattice" in heads and heads["lattice"].width not in fitting:
        width, either = heads["lattice"].width, f"{fitting[0]} or {fitting[1]}"
        raise ValueError(
            f"a lattice of {shown.lattice} numbers needs a lattice head of {either}; got {width}"
        )


def invariants(lattice: Lattices) -> Lattices:
    """Rotation-invariant numbers of lattices, of the same width: L L^T of a matrix L (9 numbers); others unchanged."""
    if lattice.shape[-1] not in MATRICES:
        return lattice
    cells = lattice.unflatten(-1, (-1, 3, 3))
    return (cells.unsqueeze(-2) * cells.unsqueeze(-3)).sum(-1).flatten(1)


def along_lattice(prediction: Vectors, lattice: Lattices) -> Vectors:
    """o L for each matrix o of a prediction, where L is the first matrix of the lattice: it rotates with the cell.

    Predictions of other representations stay as they are. Computed in the lattice's precision, also under autocast.
    """
    if lattice.shape[-1] not in MATRICES:
        return prediction
    cells = lattice[:, :9].unflatten(-1, (1, 1, 3, 3))
    return (prediction.unflatten(-1, (-1, 3, 3, 1)) * cells).sum(-2).flatten(1)


def masked_mean(
    x: Float[Tensor, "crystals atoms channels"], mask: Mask
) -> Float[Tensor, "crystals channels"]:
    """Mean over the real atoms of each crystal."""
    real = mask.unsqueeze(-1).to(x.dtype)
    return (x * real).sum(1) / real.sum(1)


def torus_waves(frac: Float[Tensor, "crystals atoms 3"], frequencies: Tensor) -> tuple[Tensor, Tensor]:
    """Sines and cosines of 2 pi k (f_j - f_i) for all pairs, from those of single atoms by the addition theorems.

    Two tensors [crystals, atoms i, atoms j, 3 * frequencies], in the precision of frac also under autocast.
    """
    with torch.autocast(frac.device.type, enabled=False):
        phase = 2 * torch.pi * (frac.unsqueeze(-1) * frequencies.to(frac.dtype)).flatten(-2)
        sin, cos = phase.sin(), phase.cos()
        sin_i, cos_i, sin_j, cos_j = sin.unsqueeze(2), cos.unsqueeze(2), sin.unsqueeze(1), cos.unsqueeze(1)
        return sin_j * cos_i - cos_j * sin_i, cos_j * cos_i + sin_j * sin_i


EMBEDDING_SCALE = 0.02
"""Standard deviation of initial vectors. At 1, the default, they drown the geometry in the first layers: on MP-20 the
coordinate loss then stays on its plateau for more than 80,000 crystals; here it leaves it after 15,000."""


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


def species_layer(width: int, shown: Shown) -> nn.Module:
    """The layer from species, atomic numbers or vectors, to vectors of atoms."""
    if not shown.species:
        return SpeciesEmbedding(width)
    layer = nn.Linear(shown.species, width, bias=False)
    nn.init.normal_(layer.weight, std=EMBEDDING_SCALE)
    return layer


class SinusoidalTime(nn.Module):
    """Sines and cosines of 1000 u with wavelengths from 2 pi to 1e4 times that (Vaswani et al. 2017): [sin, cos].

    As in DiffCSP (arXiv 2309.04475) for the number of the step, 1 to 1000: [crystals] to [crystals, width].
    """

    frequencies: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        if width < 4 or width % 2:
            raise ValueError(f"time_width must be even and at least 4 for sinusoidal features; got {width}")
        place = torch.arange(width // 2, dtype=torch.float64) / (width // 2 - 1)
        self.register_buffer("frequencies", torch.exp(-math.log(1e4) * place).float(), persistent=False)

    def forward(self, u: PerCrystal) -> Float[Tensor, "crystals width"]:
        with torch.autocast(u.device.type, enabled=False):
            phase = 1000 * u.unsqueeze(-1) * self.frequencies.to(u.dtype)
            return torch.cat([phase.sin(), phase.cos()], -1)


class TimeFeatures(nn.Module):
    """Fixed random Fourier features of time (Tancik et al. 2020): [crystals] to [crystals, width]."""

    frequencies: Tensor

    def __init__(self, width: int, seed: int = 0) -> None:
        super().__init__()
        if width % 2:
            raise ValueError(f"time_width must be even for Fourier features; got {width}")
        draws = torch.randn(width // 2, generator=torch.Generator().manual_seed(seed))
        self.register_buffer("frequencies", draws)

    def forward(self, t: PerCrystal) -> Float[Tensor, "crystals width"]:
        with torch.autocast(t.device.type, enabled=False):
            phase = 2 * torch.pi * t.unsqueeze(-1) * self.frequencies.to(t.dtype)
            return torch.cat([phase.cos(), phase.sin()], -1)
