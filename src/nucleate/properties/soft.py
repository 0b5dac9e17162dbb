"""SoftCrystals: a batch of crystals in which a gradient can be taken of everything, of the elements too."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from nucleate.arrays import Cells, Mask, PerAtom, PerAtom3, PerCrystal, Species
from nucleate.crystals import Crystals
from nucleate.properties.composition import ELEMENTS

Probabilities = Float[Tensor, "crystals atoms elements"]


@dataclass(frozen=True, eq=False)
class SoftCrystals:
    """Crystals whose atoms are elements with probabilities.

    Attributes:
        species: probability of each element by atomic number, column 0 of one that is not known; zero in padding.
            [crystals, atoms, elements]
        frac: fractional coordinates. [crystals, atoms, 3]
        lattice: rows are the cell vectors in Å. [crystals, 3, 3]
        mask: which atoms are real. [crystals, atoms]
    """

    species: Probabilities
    frac: PerAtom3
    lattice: Cells
    mask: Mask

    @classmethod
    def of(cls, crystals: Crystals) -> SoftCrystals:
        """Crystals whose elements are known."""
        species = certain(crystals.species, crystals.mask, crystals.frac.dtype)
        return cls(species, crystals.frac, crystals.lattice, crystals.mask)

    @property
    def fractions(self) -> Float[Tensor, "crystals elements"]:
        """Expected fractions of the elements."""
        return fractions(self.species, self.mask)


def certain(species: Species, mask: Mask, dtype: torch.dtype = torch.float32) -> Probabilities:
    """Atomic numbers as probabilities; 0 is an element that is not known."""
    return F.one_hot(species, ELEMENTS).to(dtype) * mask.unsqueeze(-1)


def fractions(species: Probabilities, mask: Mask) -> Float[Tensor, "crystals elements"]:
    """Expected fractions of the elements in each crystal."""
    return species.sum(1) / mask.sum(1, keepdim=True)


def posterior(
    x: PerAtom, codes: Float[Tensor, "codes channels"], alpha: PerCrystal, sigma: PerCrystal, mask: Mask
) -> Probabilities:
    """Probabilities of the elements given vectors alpha code + sigma eps, all elements equally probable before.

    codes: of the elements from 1 on, all of one length, so that the squares cancel.
    """
    gain = (alpha / sigma.clamp(min=1e-3).square()).clamp(max=1e4).reshape(-1, 1, 1)
    known = torch.softmax(gain * (x @ codes.T), -1) * mask.unsqueeze(-1)
    return F.pad(known, (1, ELEMENTS - 1 - known.shape[-1]))
