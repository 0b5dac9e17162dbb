"""Maker and critic: perceptrons on lattice, coordinates and elements of a cell of n atoms in one vector."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from nucleate.arrays import Cells, Species
from nucleate.codecs.base import LatticeCodec
from nucleate.elements import MAX_ATOMIC_NUMBER

Family = Float[Tensor, "crystals elements"]
"""Which elements a crystal may have: 1 and 0."""
CLOSED = -30.0
"""Logit of an element outside of the family."""


@dataclass(frozen=True)
class Soft:
    """Crystals with a gradient.

    Attributes:
        lattice: as the codec has it. [crystals, 6]
        frac: coordinates, anywhere on the line. [crystals, atoms, 3]
        species: probabilities of the elements. [crystals, atoms, elements]
    """

    lattice: Float[Tensor, "crystals 6"]
    frac: Float[Tensor, "crystals atoms 3"]
    species: Float[Tensor, "crystals atoms elements"]

    def vector(self) -> Float[Tensor, "crystals numbers"]:
        """What the critic reads: coordinates as sines and cosines, which know no end of the cell."""
        phase = 2 * torch.pi * self.frac
        parts = (self.lattice, phase.sin().flatten(1), phase.cos().flatten(1), self.species.flatten(1))
        return torch.cat(parts, 1)


def soft(lattice: Tensor, frac: Tensor, species: Species) -> Soft:
    """Known crystals."""
    return Soft(lattice, frac, F.one_hot(species - 1, MAX_ATOMIC_NUMBER).to(frac))


class Maker(nn.Module):
    """From noise and a family to crystals."""

    def __init__(self, noise: int, width: int, atoms: int) -> None:
        super().__init__()
        self.atoms = atoms
        self.body = nn.Sequential(
            nn.Linear(noise + MAX_ATOMIC_NUMBER, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(),
            nn.Linear(width, width), nn.SiLU(),
        )  # fmt: skip
        self.lattice, self.frac = nn.Linear(width, 6), nn.Linear(width, 6 * atoms)
        self.species = nn.Linear(width, MAX_ATOMIC_NUMBER * atoms)

    def forward(self, z: Tensor, family: Family) -> Soft:
        hidden = self.body(torch.cat([z, family], 1))
        # the angle of a plane vector: no coordinate is further from another than around the cell
        pairs = self.frac(hidden).unflatten(1, (self.atoms, 3, 2))
        frac = torch.atan2(pairs[..., 0], pairs[..., 1] + 1e-6) / (2 * torch.pi)
        logits = self.species(hidden).unflatten(1, (self.atoms, MAX_ATOMIC_NUMBER))
        open_ = torch.where(family.unsqueeze(1) > 0, logits, CLOSED)
        return Soft(self.lattice(hidden), frac, torch.softmax(open_, -1))


class Critic(nn.Module):
    """From crystals and a family to one number, with spectral normalisation (Miyato et al. 2018, arXiv 1802.05957)
    where asked."""

    def __init__(self, width: int, atoms: int, spectral: bool) -> None:
        super().__init__()
        numbers = 6 + 6 * atoms + (atoms + 1) * MAX_ATOMIC_NUMBER
        layers = [nn.Linear(numbers, width), nn.Linear(width, width), nn.Linear(width, 1)]
        if spectral:
            layers = [nn.utils.parametrizations.spectral_norm(layer) for layer in layers]
        first, second, last = layers
        self.body = nn.Sequential(first, nn.LeakyReLU(0.2), second, nn.LeakyReLU(0.2), last)

    def forward(self, vector: Float[Tensor, "crystals numbers"], family: Family) -> Float[Tensor, "crystals"]:
        return self.body(torch.cat([vector, family], 1)).squeeze(1)


def distances(frac: Tensor, lattice: Cells) -> Float[Tensor, "crystals pairs"]:
    """The shortest distance of each pair of different atoms, Å, with a gradient."""
    first, second = torch.triu_indices(frac.shape[1], frac.shape[1], 1)
    apart = frac[:, first] - frac[:, second]
    apart = apart - apart.detach().round()
    images = torch.cartesian_prod(*[torch.arange(-1, 2)] * 3).to(frac)
    vectors = (apart.unsqueeze(2) + images) @ lattice.unsqueeze(1)
    return (vectors.square().sum(-1) + 1e-12).sqrt().amin(-1)


def cells(made: Soft, codec: LatticeCodec) -> Cells:
    """Cells of made crystals, Å."""
    sizes = torch.full((len(made.lattice),), made.frac.shape[1], device=made.frac.device)
    return codec.decode(made.lattice, sizes)
