"""Lengths over the cube root of the number of atoms, and angles in degrees, standardised: what CDVAE's head says."""

from __future__ import annotations

import torch
from torch import Tensor

from nucleate.arrays import Cells, Sizes, Vectors
from nucleate.codecs.base import LONGEST, SHORTEST, LatticeCodec, Order, cells_of, permuted_parameters
from nucleate.geometry.lattice import cell_parameters

LEAST_SPREAD = 1e-3
"""Å or degrees: the angles of Perov-5 have no spread at all."""
ANGLES = 10.0, 170.0
"""Degrees between which angles are kept."""


class ScaledParameters(LatticeCodec):
    """[a, b, c] / n^(1/3) and [alpha, beta, gamma], each minus its mean over its standard deviation."""

    width = 6
    mean: Tensor
    spread: Tensor

    def _register_statistics(self) -> None:
        self.register_buffer("mean", torch.zeros(6))
        self.register_buffer("spread", torch.ones(6))

    def _raw(self, lattice: Cells) -> Vectors:
        lengths, angles = cell_parameters(lattice)
        return torch.cat([lengths, torch.rad2deg(angles)], -1)

    def _cells(self, raw: Vectors) -> Cells:
        return cells_of(raw[:, :3].clamp(SHORTEST, LONGEST), torch.deg2rad(raw[:, 3:].clamp(*ANGLES)))

    def _statistics(self, sizes: Sizes) -> tuple[Tensor, Tensor]:
        root = _root(sizes, self.mean)
        return self.mean * root, self.spread * root

    def _standardise(self, lattice: Cells, sizes: Sizes) -> None:
        x = self._raw(lattice) / _root(sizes, lattice)
        self.mean.copy_(x.mean(0))
        self.spread.copy_(x.std(0, unbiased=False).clamp(min=LEAST_SPREAD))

    def _permuted(self, x: Vectors, order: Order) -> Vectors:
        return permuted_parameters(x, order)


def _root(sizes: Sizes, like: Tensor) -> Vectors:
    """n^(1/3) for lengths and 1 for angles. [crystals, 6]"""
    root = sizes.to(like.dtype).pow(1 / 3).unsqueeze(-1)
    return torch.cat([root.expand(-1, 3), torch.ones_like(root).expand(-1, 3)], -1)
