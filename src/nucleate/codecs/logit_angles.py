"""Raw lengths and logits of the angles (FlowMM, Miller et al. 2024, arXiv 2406.04713).

x = [a, b, c in Å, logit((angle - 59.9) / 60.2) of alpha, beta, gamma in degrees]. Niggli-reduced cells have angles from
60 to 120; the interval of the published code is 0.1 wider on each side. Angles outside come back as its ends.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nucleate.arrays import Cells, Sizes, Vectors
from nucleate.codecs.base import LONGEST, SHORTEST, LatticeCodec, Order, cells_of, permuted_parameters
from nucleate.geometry.lattice import cell_parameters

LOWEST, HIGHEST = 59.9, 120.1
EDGE = 1e-5
"""Share of the interval at each end (0.0006 degrees) that counts as its edge; logits stay within 11.5."""

FLOORS = torch.tensor([1e-3] * 3 + [1.0] * 3)
"""Lower bounds of the scale: a data set of cubic cells has no spread of angles to scale an informed prior by."""


class LengthsLogitAngles(LatticeCodec):
    """Standardised, each channel has mean 0 and standard deviation 1 over the training split, whatever the size.

    FlowMM standardises inputs and targets in the network instead, with moments along the path.
    """

    loc: Tensor
    scale: Tensor
    width = 6

    def _register_statistics(self) -> None:
        self.register_buffer("loc", torch.zeros(6))
        self.register_buffer("scale", torch.ones(6))

    def _raw(self, lattice: Cells) -> Vectors:
        lengths, angles = cell_parameters(lattice)
        share = (torch.rad2deg(angles) - LOWEST) / (HIGHEST - LOWEST)
        return torch.cat([lengths, torch.logit(share, eps=EDGE)], -1)

    def _cells(self, raw: Vectors) -> Cells:
        raw = raw.double()
        angles = LOWEST + (HIGHEST - LOWEST) * torch.sigmoid(raw[:, 3:])
        return cells_of(raw[:, :3].clamp(SHORTEST, LONGEST), torch.deg2rad(angles))

    def _statistics(self, sizes: Sizes) -> tuple[Tensor, Tensor]:
        return self.loc, self.scale

    def _standardise(self, lattice: Cells, sizes: Sizes) -> None:
        raw = self._raw(lattice)
        self.loc.copy_(raw.mean(0))
        self.scale.copy_(raw.std(0, correction=0).maximum(FLOORS.to(raw)))

    def _permuted(self, x: Vectors, order: Order) -> Vectors:
        return permuted_parameters(x, order)
