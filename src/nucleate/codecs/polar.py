"""The logarithm of the cell's polar part, six numbers (CrystalFlow, arXiv 2412.11693).

L L^T = exp(2 S) with S = sum_k x_k B_k: B_1 to B_3 have ones at ab, ac and bc, B_4 = diag(1, -1, 0),
B_5 = diag(1, 1, -2), B_6 = 1, not normalised. A rotation of the cell leaves S as it is, every S is a cell, and x_6 is
log(volume) / 3. The basis is that of DiffCSP++ (arXiv 2402.03992), which normalises it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from nucleate.arrays import Cells, Sizes, Vectors
from nucleate.codecs.base import LatticeCodec, Order, canonical

LOW, HIGH = -7.0, 7.0
"""Bounds of the eigenvalues of S, logarithms of Å."""
SQUARED_LOW = math.exp(2 * LOW)
FARTHEST = 1e3
VOLUME_FLOOR, SHAPE_FLOOR = 0.01, 0.1
"""Lower bounds of the scales: a data set of cubic cells has no spread of shape to scale an informed prior by."""


class Polar(LatticeCodec):
    """Standardised, x_6 has mean 0 and standard deviation 1, and x_1 to x_5, a cell's shape, have one common scale.

    Their mean is kept: 0 is the cube, and a shift would single out an axis.
    """

    loc: Tensor
    scale: Tensor
    shape_scale: Tensor
    width = 6
    by_axis = False

    def _register_statistics(self) -> None:
        self.register_buffer("loc", torch.zeros(()))
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("shape_scale", torch.ones(()))

    def _raw(self, lattice: Cells) -> Vectors:
        return coefficients(_of_eigenvalues(lattice @ lattice.mT, _half_log, _half_log_slope))

    def _cells(self, raw: Vectors) -> Cells:
        s = symmetric(raw.double().clamp(-FARTHEST, FARTHEST))
        return canonical(_of_eigenvalues(s, _exp, _exp_slope))

    def _statistics(self, sizes: Sizes) -> tuple[Tensor, Tensor]:
        shape = torch.zeros_like(self.loc).expand(5)
        return torch.cat([shape, self.loc[None]]), torch.cat([self.shape_scale.expand(5), self.scale[None]])

    def _standardise(self, lattice: Cells, sizes: Sizes) -> None:
        raw = self._raw(lattice)
        self.loc.copy_(raw[:, 5].mean())
        self.scale.copy_(raw[:, 5].std(correction=0).clamp(min=VOLUME_FLOOR))
        self.shape_scale.copy_(raw[:, :5].square().mean().sqrt().clamp(min=SHAPE_FLOOR))

    def _permuted(self, x: Vectors, order: Order) -> Vectors:
        s = symmetric(x)
        s = s.gather(1, order.unsqueeze(-1).expand(-1, -1, 3)).gather(2, order.unsqueeze(1).expand(-1, 3, -1))
        return torch.cat([coefficients(s)[:, :5], x[:, 5:]], 1)


def symmetric(x: Vectors) -> Cells:
    """S = sum_k x_k B_k."""
    ab, ac, bc, x4, x5, x6 = x.unbind(-1)
    rows = (x4 + x5 + x6, ab, ac), (ab, x5 - x4 + x6, bc), (ac, bc, x6 - 2 * x5)
    return torch.stack([torch.stack(row, -1) for row in rows], 1)


def coefficients(s: Cells) -> Vectors:
    """The x_k of a symmetric matrix."""
    aa, bb, cc = s.diagonal(dim1=1, dim2=2).unbind(-1)
    parts = [s[:, 0, 1], s[:, 0, 2], s[:, 1, 2], (aa - bb) / 2, (aa + bb - 2 * cc) / 6, (aa + bb + cc) / 3]
    return torch.stack(parts, -1)


Function = Callable[[Tensor], Tensor]


def _of_eigenvalues(matrix: Cells, f: Function, slope: Function) -> Cells:
    """f of a symmetric matrix, with its gradient (Daleckii and Krein 1951), also where eigenvalues coincide.

    The derivative of `eigh` is infinite there, at every cubic cell. Here the eigenvectors are constants, and a second
    term, of value zero, has the derivative: divided differences of f, element by element.
    """
    values, vectors = torch.linalg.eigh(matrix.detach())
    left, right = values.unsqueeze(-1), values.unsqueeze(-2)
    gap = left - right
    near = gap.abs() < 1e-6 * (left.abs() + right.abs()) + 1e-12
    divided = (f(left) - f(right)) / gap.masked_fill(near, 1.0)
    divided = torch.where(near, slope((left + right) / 2), divided)
    change = vectors.mT @ (matrix - matrix.detach()) @ vectors
    return vectors @ (torch.diag_embed(f(values)) + divided * change) @ vectors.mT


def _exp(x: Tensor) -> Tensor:
    return x.clamp(LOW, HIGH).exp()


def _exp_slope(x: Tensor) -> Tensor:
    return torch.where((x >= LOW) & (x <= HIGH), _exp(x), torch.zeros_like(x))


def _half_log(x: Tensor) -> Tensor:
    return x.clamp(min=SQUARED_LOW).log() / 2


def _half_log_slope(x: Tensor) -> Tensor:
    return torch.where(x >= SQUARED_LOW, 0.5 / x.clamp(min=SQUARED_LOW), torch.zeros_like(x))
