"""Training crystals with another element in the place of one of theirs.

Crystals whose compositions differ in one element often have one structure, so a network that predicts structures
learns from a crystal what its relatives probably are: in a share of the examples all atoms of one element become
another, drawn by how often both take each other's place in known crystals, and the cell is scaled to the volume that
the new composition needs. Fractional coordinates, and with them the symmetry, stay.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from nucleate.data.feed import Examples
from nucleate.geometry.noise import Noise
from nucleate.streams import REPLACING

Batch = dict[str, Tensor | None]
VolumeOf = Callable[[Float[Tensor, "crystals numbers"]], Float[Tensor, " crystals"]]


class Replaced(Examples):
    """A split of crystals that `varied` shows with other elements.

    Attributes:
        share: of the examples that are changed.
        chance: of each new element in the place of an old one. [old, new]
        kept: for each element, how probably a crystal keeps its structure without it. [old]
        volume_of: volume for each atom from the shares of the elements, Å^3.
    """

    def __init__(
        self, plain: Examples, share: float, chance: np.ndarray, kept: np.ndarray, volume_of: VolumeOf
    ) -> None:
        self.plain, self.share, self.volume_of = plain, share, volume_of
        self.sizes, self.ids, self.device = plain.sizes, plain.ids, plain.device
        self.chance = torch.from_numpy(chance).float().to(plain.device)
        self.kept = torch.from_numpy(kept).float().to(plain.device)

    def tensors(self, indices: Int[Tensor, " examples"], size: int) -> Batch:
        return self.plain.tensors(indices, size)

    def varied(self, tensors: Batch, keys: Int[Tensor, " examples"]) -> Batch:
        species, lattice = tensors["species"], tensors["lattice"]
        assert species is not None
        assert lattice is not None
        new = self._replaced(species, Noise(keys).at(REPLACING.step()))
        ratio = self._volume(new) / self._volume(species)
        scale = torch.where((new != species).any(1), ratio ** (1 / 3), 1.0)
        return {**tensors, "species": new, "lattice": lattice * scale[:, None, None].to(lattice)}

    def _replaced(
        self, species: Int[Tensor, "crystals atoms"], noise: Noise
    ) -> Int[Tensor, "crystals atoms"]:
        """The species after at most one replacement; an element that the crystal has already replaces none."""
        whether, which, by = noise.uniform(3).unbind(1)
        present = torch.zeros(len(species), len(self.kept), device=species.device).scatter(1, species, 1.0)
        present[:, 0] = 0
        old = _drawn(present * self.kept, which)
        chance = self.chance[old] * (1 - present)
        new = _drawn(chance, by)
        changed = (whether < self.share) & (chance.sum(1) > 0)
        return torch.where(changed[:, None] & (species == old[:, None]), new[:, None], species)

    def _volume(self, species: Int[Tensor, "crystals atoms"]) -> Float[Tensor, " crystals"]:
        counts = torch.zeros(len(species), len(self.kept), device=species.device)
        counts.scatter_add_(1, species, torch.ones_like(species, dtype=counts.dtype))
        counts[:, 0] = 0
        return self.volume_of(counts / counts.sum(1, keepdim=True))


def _drawn(weights: Float[Tensor, "crystals numbers"], uniform: Tensor) -> Int[Tensor, " crystals"]:
    """A number of each row, with probabilities proportional to the weights; 0 where all are zero."""
    total = weights.cumsum(1)
    found = torch.searchsorted(total, (uniform * total[:, -1]).unsqueeze(1), right=True).squeeze(1)
    return torch.where(total[:, -1] > 0, found.clamp(max=weights.shape[1] - 1), 0)
