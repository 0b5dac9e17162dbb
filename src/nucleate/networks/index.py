"""Which atom is which: vectors that tell atoms of one element apart by their order.

A network without them is equivariant to permutations, so that equal atoms differ by their noise alone. These depend on
the composition only: the rank of an atom among those of its element, how many there are, and the rank of the element
among those of the crystal, by atomic number (MaskGXT, arXiv 2606.22866, which orders elements by electronegativity).
The order of equal atoms means something only if training gives it one: `training.order`.

Where the network draws the species itself, atoms whose element is hidden are ranked among themselves, and as long as
a crystal has any, each of its atoms is told the nearest known elements before and behind it, and how far away they
are, or how far the ends are. Training sorts atoms by element (`nucleate.model.order`), so that an element lies between
these two. Once all elements are known, the order of elements no longer counts.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from nucleate.arrays import Mask, Species
from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.networks.base import EMBEDDING_SCALE, Shown

MOST = 64
"""Ranks from here on share a vector."""


class IndexEmbedding(nn.Module):
    """Sum of three learned vectors of each atom; of seven in crystals with hidden elements.

    hides: whether there are any.
    """

    def __init__(self, width: int, hides: bool = False) -> None:
        super().__init__()
        self.rank_vectors = nn.Embedding(MOST, width)
        self.count_vectors = nn.Embedding(MOST, width)
        self.element_vectors = nn.Embedding(MOST, width)
        for vectors in (self.rank_vectors, self.count_vectors, self.element_vectors):
            nn.init.normal_(vectors.weight, std=EMBEDDING_SCALE)
        self.between = Between(width) if hides else None

    def forward(self, species: Species, mask: Mask) -> Float[Tensor, "crystals atoms width"]:
        rank, count, element = (x.clamp(max=MOST - 1) for x in ranks(species, mask))
        known = self.rank_vectors(rank) + self.count_vectors(count) + self.element_vectors(element)
        if self.between is None:
            return known
        hidden = ((species == 0) & mask).any(1)
        return known + hidden[:, None, None] * self.between(species, mask)


class Between(nn.Module):
    """Sum of four learned vectors of each atom: the nearest known elements on both sides, and their distances."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.elements = nn.ModuleList(nn.Embedding(MAX_ATOMIC_NUMBER + 1, width) for _ in range(2))
        self.distances = nn.ModuleList(nn.Embedding(MOST, width) for _ in range(2))
        for weight in self.parameters():
            nn.init.normal_(weight, std=EMBEDDING_SCALE)

    def forward(self, species: Species, mask: Mask) -> Float[Tensor, "crystals atoms width"]:
        sides = zip(neighbours(species, mask), self.elements, self.distances, strict=True)
        return torch.stack(
            [
                of_element(element) + of_distance(far.clamp(max=MOST - 1))
                for (element, far), of_element, of_distance in sides
            ]
        ).sum(0)


Side = tuple[Int[Tensor, "crystals atoms"], Int[Tensor, "crystals atoms"]]


def neighbours(species: Species, mask: Mask) -> tuple[Side, Side]:
    """Of each atom, before and behind it: the nearest known element, 0 where there is none, and how many places away
    it is, or the end of the crystal."""
    atoms = species.shape[1]
    place = torch.arange(atoms, device=species.device).expand_as(species)
    known = (species > 0) & mask
    last = torch.where(known, place, -1).cummax(1).values
    before = F.pad(last[:, :-1], (1, 0), value=-1)
    size = mask.sum(1, keepdim=True)
    next_one = torch.where(known, place, size).flip(1).cummin(1).values.flip(1)
    behind = F.pad(next_one[:, 1:], (0, 1), value=atoms).minimum(size)
    sides = []
    for other in (before, behind):
        there = (other >= 0) & (other < size)
        element = torch.where(there, species.gather(1, other.clamp(0, atoms - 1)), 0)
        sides.append((element, (other - place).abs()))
    return sides[0], sides[1]


def ranks(
    species: Species, mask: Mask
) -> tuple[Int[Tensor, "crystals atoms"], Int[Tensor, "crystals atoms"], Int[Tensor, "crystals atoms"]]:
    """Of each atom: how many of its element stand before it, how many there are, and how many elements of the crystal
    have a smaller atomic number. Padding is left out."""
    real = mask.unsqueeze(1)
    same = (species.unsqueeze(2) == species.unsqueeze(1)) & real
    before = same.tril(-1)
    rank = before.sum(2)
    first = (rank == 0).unsqueeze(1) & real
    lower = first & (species.unsqueeze(1) < species.unsqueeze(2))
    return rank, same.sum(2), lower.sum(2)


def index_layer(wanted: bool, width: int, shown: Shown, hides: bool = False) -> IndexEmbedding | None:
    """The layer, if it is wanted. hides: whether the network draws species, which are hidden at first.

    Raises ValueError for a network that is shown vectors in the place of elements.
    """
    if not wanted:
        return None
    if shown.species:
        raise ValueError("index = true needs atomic numbers, and this model draws species as vectors")
    return IndexEmbedding(width, hides)
