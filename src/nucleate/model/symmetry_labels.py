"""Symmetry as something that a network is asked besides: the site of each atom, and the crystal's space group.

From a noisy state both have to be foreseen, which teaches a network what it needs for the structure; nothing that is
drawn depends on the answers. The site is told by how many atoms its orbit has in the primitive cell, its multiplicity.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Int
from torch import Tensor

from nucleate.arrays import Mask, PerCrystal
from nucleate.networks.base import Head

SITES = 24
"""Largest multiplicity with a class of its own; the last class has the larger ones too."""
GROUPS = 230
HEADS = {"site": Head("atom", SITES), "group": Head("cell", GROUPS)}


@dataclass(frozen=True)
class SymmetryLabels:
    """What is true of a batch.

    Attributes:
        multiplicity: of each atom's site, in the primitive cell; anything in padding.
        group: number of the space group, 0 where it is not known.
    """

    multiplicity: Int[Tensor, "crystals atoms"]
    group: Int[Tensor, " crystals"]

    def loss(self, answers: dict[str, Tensor], mask: Mask) -> PerCrystal:
        """Cross-entropy of the site, a mean over real atoms, plus that of the space group, nats."""
        sites = (self.multiplicity.clamp(1, SITES) - 1).masked_fill(~mask, 0)
        site = F.cross_entropy(answers["site"].transpose(1, 2), sites, reduction="none")
        known = self.group > 0
        group = F.cross_entropy(answers["group"], (self.group - 1).clamp(min=0), reduction="none")
        return (site * mask).sum(1) / mask.sum(1).clamp(min=1) + torch.where(known, group, 0.0)
