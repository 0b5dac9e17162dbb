"""Training crystals with another element in the place of one of theirs.

Crystals whose compositions differ in one element often have one structure, so a network that predicts structures
learns from a crystal what its relatives probably are: in a share of the examples all atoms of one element become
another, drawn by how often both take each other's place in known crystals, and the cell is scaled to the volume that
the new composition needs. Fractional coordinates, and with them the symmetry, stay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from nucleate.data.feed import Examples, Shown
from nucleate.geometry.noise import Noise
from nucleate.streams import REPLACING

VolumeOf = Callable[[Float[Tensor, "crystals numbers"]], Float[Tensor, " crystals"]]


@dataclass(frozen=True, eq=False)
class Replacement:
    """How elements are replaced, by atomic numbers.

    Attributes:
        share: of the examples that are changed.
        chance: of each new element in the place of an old one. [old, new]
        kept: how probably a crystal keeps its structure without each element. [old]
    """

    share: float
    chance: Float[Tensor, "old new"]
    kept: Float[Tensor, " old"]

    def drawn(self, species: Int[Tensor, "crystals atoms"], noise: Noise) -> tuple[Tensor, Tensor, Tensor]:
        """Whether each crystal is changed, its element that goes, and the one that comes, which it did not have.

        species: 0 in padding; once for each element is enough.
        """
        whether, which, by = noise.uniform(3).unbind(1)
        present = torch.zeros(len(species), len(self.kept), device=species.device).scatter(1, species, 1.0)
        present[:, 0] = 0
        old = _drawn(present * self.kept, which)
        chance = self.chance[old] * (1 - present)
        return (whether < self.share) & (chance.sum(1) > 0), old, _drawn(chance, by)


class Replaced(Examples):
    """A split of crystals that `varied` shows with other elements.

    Attributes:
        plain: the split.
        replacement: how elements are replaced.
        volume_of: volume for each atom from the shares of the elements, Å^3.
    """

    def __init__(self, plain: Examples, replacement: Replacement, volume_of: VolumeOf) -> None:
        self.plain, self.replacement, self.volume_of = plain, replacement, volume_of
        self.sizes, self.ids, self.device = plain.sizes, plain.ids, plain.device

    def tensors(self, indices: Int[Tensor, " examples"], size: int) -> Shown:
        return self.plain.tensors(indices, size)

    def varied(self, tensors: Shown, keys: Int[Tensor, " examples"]) -> Shown:
        species, lattice = tensors["species"], tensors["lattice"]
        assert species is not None
        assert lattice is not None
        changed, old, new = self.replacement.drawn(species, Noise(keys).at(REPLACING.step()))
        other = with_another(species, changed, old, new)
        scale = torch.where(changed, (self._volume(other) / self._volume(species)) ** (1 / 3), 1.0)
        return {**tensors, "species": other, "lattice": lattice * scale[:, None, None].to(lattice)}

    def _volume(self, species: Int[Tensor, "crystals atoms"]) -> Float[Tensor, " crystals"]:
        counts = torch.zeros(len(species), len(self.replacement.kept), device=species.device)
        counts.scatter_add_(1, species, torch.ones_like(species, dtype=counts.dtype))
        counts[:, 0] = 0
        return self.volume_of(counts / counts.sum(1, keepdim=True))


def with_another(
    species: Int[Tensor, "crystals atoms"], changed: Bool[Tensor, " crystals"], old: Int[Tensor, " crystals"],
    new: Int[Tensor, " crystals"],
) -> Int[Tensor, "crystals atoms"]:  # fmt: skip
    """The species with new where old was, in the crystals that are changed."""
    return torch.where(changed[:, None] & (species == old[:, None]), new[:, None], species)


def _drawn(weights: Float[Tensor, "crystals numbers"], uniform: Tensor) -> Int[Tensor, " crystals"]:
    """A number of each row, with probabilities proportional to the weights; 0 where all are zero."""
    total = weights.cumsum(1)
    found = torch.searchsorted(total, (uniform * total[:, -1]).unsqueeze(1), right=True).squeeze(1)
    return torch.where(total[:, -1] > 0, found.clamp(max=weights.shape[1] - 1), 0)
