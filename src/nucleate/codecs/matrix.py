"""The cell's matrix itself: nine numbers, row by row (DiffCSP, arXiv 2309.04475; OMatG, arXiv 2502.02582).

Data have the orientation of `cell_from_parameters`; a process may rotate, shear or mirror them, and decoding rotates
them back. Networks for it predict a matrix times the cell, which rotates with the cell (O(3) equivariance).
"""

from __future__ import annotations

import torch
from torch import Tensor

from nucleate.arrays import Cells, Sizes, Vectors
from nucleate.codecs.base import LatticeCodec, Order, canonical

FARTHEST = 1e6


class Matrix(LatticeCodec):
    """In Å, or standardised by one number: more numbers, or a shift, would single out directions."""

    scale: Tensor
    width = 9
    by_axis = False

    def _register_statistics(self) -> None:
        self.register_buffer("scale", torch.ones(()))

    def _raw(self, lattice: Cells) -> Vectors:
        return canonical(lattice).flatten(1)

    def _cells(self, raw: Vectors) -> Cells:
        return canonical(raw.double().clamp(-FARTHEST, FARTHEST).unflatten(1, (3, 3)))

    def _statistics(self, sizes: Sizes) -> tuple[Tensor, Tensor]:
        return torch.zeros_like(self.scale), self.scale

    def _standardise(self, lattice: Cells, sizes: Sizes) -> None:
        # The root mean square of all numbers does not change with rotations.
        self.scale.copy_(lattice.square().mean().sqrt())

    def _permuted(self, x: Vectors, order: Order) -> Vectors:
        """Rows in another order, not rotated back to the standard orientation, which would not be linear."""
        rows = order.unsqueeze(-1).expand(-1, -1, 3)
        return x.unflatten(1, (3, 3)).gather(1, rows).flatten(1)
