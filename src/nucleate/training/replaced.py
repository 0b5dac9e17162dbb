"""Training crystals with another element in the place of one of theirs.

Crystals whose compositions differ in one element often have one structure, so a network that predicts structures
learns from a crystal what its relatives probably are: in a share of the examples all atoms of one element become
another, drawn by how often both take each other's place in known crystals, and the cell is scaled to the volume that
the new composition needs. Fractional coordinates, and with them the symmetry, stay.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from nucleate.data.feed import Examples, Shown
from nucleate.files import beside, check_target
from nucleate.geometry.noise import Noise
from nucleate.streams import REPLACING


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What replacements are drawn by, by atomic numbers: kept in a run's folder, so that a resumed run has the same.

    Attributes:
        chance: probability of each new element in the place of an old one. [old, new]
        kept: how probably a crystal keeps its structure without each element. [old]
        volumes: coefficients of the volume for each atom, Å^3, as `prototypes.volumes` has them: a, b, c. [3, numbers]
        pull: electronegativities. [numbers]
        least: smallest volume of an atom, Å^3. []
    """

    chance: np.ndarray
    kept: np.ndarray
    volumes: np.ndarray
    pull: np.ndarray
    least: np.ndarray

    def write(self, file: Path) -> None:
        """Raises NucleateError where the file can't be written."""
        check_target(file)
        with beside(file) as part, part.open("wb") as out:
            np.savez_compressed(out, **vars(self))

    @classmethod
    def read(cls, file: Path) -> Knowledge | None:
        """What the file holds; None where there is none, or a broken one."""
        try:
            with np.load(file) as held:
                return cls(**{one.name: held[one.name] for one in fields(cls)})
        except (OSError, ValueError, KeyError, BadZipFile):
            return None


class Replacement:
    """How elements are replaced, on a device.

    Attributes:
        share: of the examples that are changed.
    """

    def __init__(self, share: float, knowledge: Knowledge, device: torch.device) -> None:
        self.share, self.least = share, float(knowledge.least)
        parts = (knowledge.chance, knowledge.kept, knowledge.volumes, knowledge.pull)
        self.chance, self.kept, self.volumes, self.pull = (
            torch.from_numpy(np.ascontiguousarray(part)).float().to(device) for part in parts
        )

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

    def volume(self, species: Int[Tensor, "crystals atoms"]) -> Float[Tensor, " crystals"]:
        """The volume for each atom that these species need, Å^3."""
        counts = torch.zeros(len(species), len(self.kept), device=species.device)
        counts.scatter_add_(1, species, torch.ones_like(species, dtype=counts.dtype))
        counts[:, 0] = 0
        shares = counts / counts.sum(1, keepdim=True)
        mean = shares @ self.pull
        spread = (shares @ self.pull**2 - mean**2).clamp(min=0).sqrt()
        each, by_mean, by_spread = (shares @ part for part in self.volumes)
        return (each + mean * by_mean + spread * by_spread).clamp(min=self.least)


class Replaced(Examples):
    """A split of crystals that `varied` shows with other elements.

    given: say which they are, for a model that draws the species of the others itself: replaced elements teach it
        structures, and not what compositions there are.
    """

    def __init__(self, plain: Examples, replacement: Replacement, given: bool = False) -> None:
        self.plain, self.replacement, self.given = plain, replacement, given
        self.sizes, self.ids, self.device = plain.sizes, plain.ids, plain.device

    def tensors(self, indices: Int[Tensor, " examples"], size: int) -> Shown:
        return self.plain.tensors(indices, size)

    def varied(self, tensors: Shown, keys: Int[Tensor, " examples"]) -> Shown:
        species, lattice = tensors["species"], tensors["lattice"]
        assert species is not None
        assert lattice is not None
        changed, old, new = self.replacement.drawn(species, Noise(keys).at(REPLACING.step()))
        other = with_another(species, changed, old, new)
        ratio = self.replacement.volume(other) / self.replacement.volume(species)
        scale = torch.where(changed, ratio ** (1 / 3), 1.0)
        shown = {**tensors, "species": other, "lattice": lattice * scale[:, None, None].to(lattice)}
        return {**shown, "given": changed} if self.given else shown


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
