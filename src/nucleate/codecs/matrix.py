"""The cell's matrix itself: nine numbers, row by row (DiffCSP, arXiv 2309.04475; OMatG, arXiv 2502.02582).

Data stand in the orientation of `cell_from_parameters`; a process may turn, shear or mirror them, and decoding turns
them back. Networks for it answer with a matrix times the cell, which turns with the cell (O(3) equivariance).
"""

from __future__ import annotations

import torch
from torch import Tensor

from nucleate.arrays import Cells, Sizes, Vectors
from nucleate.codecs.base import LatticeCodec, Order, canonical

FARTHEST = 1e6


class Matrix(LatticeCodec):
    """Å as they are, or standardised by one number: more numbers, or a shift, would single out directions."""

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
        # Root mean square of all numbers, which no rotation changes.
        self.scale.copy_(lattice.square().mean().sqrt())

    def _permuted(self, x: Vectors, order: Order) -> Vectors:
        """Rows in another order, not turned back to the standard orientation: turning would not be linear."""
        rows = order.unsqueeze(-1).expand(-1, -1, 3)
        return x.unflatten(1, (3, 3)).gather(1, rows).flatten(1)
