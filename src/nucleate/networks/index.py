"""Which atom is which: vectors that tell atoms of one element apart by their order.

A network without them is equivariant to permutations, so that equal atoms differ by their noise alone. These depend on
the composition only: the rank of an atom among those of its element, how many there are, and the rank of the element
among those of the crystal, by atomic number (MaskGXT, arXiv 2606.22866, which orders elements by electronegativity).
The order of equal atoms means something only if training gives it one: `training.order`.

Where the network draws the species itself, atoms whose element is hidden are ranked among themselves, and as long as
a crystal has any, each of its atoms has the vector of its place too. Training sorts atoms by element, so that the
place says who its neighbours in the formula are. Once all elements are known, places no longer count.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from nucleate.arrays import Mask, Species
from nucleate.networks.base import EMBEDDING_SCALE, Shown

MOST = 64
"""Ranks from here on share a vector."""


class IndexEmbedding(nn.Module):
    """Sum of three learned vectors of each atom; of four in crystals with hidden elements.

    hides: whether there are any.
    """

    def __init__(self, width: int, hides: bool = False) -> None:
        super().__init__()
        self.rank_vectors = nn.Embedding(MOST, width)
        self.count_vectors = nn.Embedding(MOST, width)
        self.element_vectors = nn.Embedding(MOST, width)
        for vectors in (self.rank_vectors, self.count_vectors, self.element_vectors):
            nn.init.normal_(vectors.weight, std=EMBEDDING_SCALE)
        self.place_vectors = nn.Embedding(MOST, width) if hides else None
        if self.place_vectors is not None:
            nn.init.normal_(self.place_vectors.weight, std=EMBEDDING_SCALE)

    def forward(self, species: Species, mask: Mask) -> Float[Tensor, "crystals atoms width"]:
        rank, count, element = (x.clamp(max=MOST - 1) for x in ranks(species, mask))
        known = self.rank_vectors(rank) + self.count_vectors(count) + self.element_vectors(element)
        if self.place_vectors is None:
            return known
        place = torch.arange(species.shape[1], device=species.device).clamp(max=MOST - 1)
        hidden = ((species == 0) & mask).any(1)
        return known + hidden[:, None, None] * self.place_vectors(place)


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
