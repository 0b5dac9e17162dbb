"""Log lengths and tangents of the angles, standardised by the number of atoms.

x = [log a, log b, log c, tan(alpha - pi/2), tan(beta - pi/2), tan(gamma - pi/2)], then (x - loc[n]) / scale[n] with
statistics of the training split for each number of atoms n (KLDM, arXiv 2507.03602, appendix I; there from the central
95 % of each count, undefined for rare ones). Here the mean of a count is shrunk towards a line in
log n and its variance towards the pooled one, so that every n, seen or not, has a sensible value. Without
standardising it is also the representation of EquiCSP.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from nucleate.arrays import Cells, Sizes, Vectors
from nucleate.codecs.base import LatticeCodec, Order, cells_of, permuted_parameters
from nucleate.codecs.informed import FLOWMM_ANGLES
from nucleate.geometry.lattice import cell_parameters

MAX_ATOMS = 256
ANGLE_SCALE = 0.35
PSEUDO_COUNT = 40.0


class LogLengthsTanAngles(LatticeCodec):
    """Vectors of about unit scale once fitted; loc 0 and scale 1 before, and always if not standardised."""

    loc: Tensor
    scale: Tensor
    width = 6

    def __init__(
        self,
        *,
        standardise: bool = True,
        informed: bool = False,
        angles: tuple[float, float] = FLOWMM_ANGLES,
    ) -> None:
        super().__init__(standardise=standardise, informed=informed, angles=angles)

    def _register_statistics(self) -> None:
        self.register_buffer("loc", torch.zeros(MAX_ATOMS + 1, 6))
        self.register_buffer("scale", torch.ones(MAX_ATOMS + 1, 6))

    def _raw(self, lattice: Cells) -> Vectors:
        lengths, angles = cell_parameters(lattice)
        return torch.cat([lengths.log(), torch.tan(angles - math.pi / 2)], -1)

    def _cells(self, raw: Vectors) -> Cells:
        return cells_of(raw[:, :3].clamp(-3, 7).exp(), math.pi / 2 + torch.atan(raw[:, 3:]))

    def _statistics(self, sizes: Sizes) -> tuple[Tensor, Tensor]:
        return self.loc[sizes], self.scale[sizes]

    def _standardise(self, lattice: Cells, sizes: Sizes) -> None:
        x = self._raw(lattice)[:, :3]
        counts = torch.bincount(sizes, minlength=MAX_ATOMS + 1)[: MAX_ATOMS + 1].double().unsqueeze(-1)
        line = _line_in_log_n(x, sizes)
        residual = x - line[sizes]
        mean = line + _sum_by_size(residual, sizes) / (counts + PSEUDO_COUNT)
        squares = (x - mean[sizes]) ** 2
        pooled = squares.mean(0)
        variance = (_sum_by_size(squares, sizes) + PSEUDO_COUNT * pooled) / (counts + PSEUDO_COUNT)
        self.loc[:, :3] = mean.to(self.loc)
        self.scale[:, :3] = variance.sqrt().clamp(min=1e-3).to(self.scale)
        self.scale[:, 3:] = ANGLE_SCALE

    def _permuted(self, x: Vectors, order: Order) -> Vectors:
        return permuted_parameters(x, order)


def _line_in_log_n(x: Float[Tensor, "crystals 3"], sizes: Sizes) -> Float[Tensor, "counts 3"]:
    """Least-squares line of each column of x in log n, at every count; slope 1/3 if only one count is seen."""
    log_n = sizes.double().log()
    spread = log_n - log_n.mean()
    if spread.abs().max() < 1e-9:
        slope = x.new_full((3,), 1 / 3)
    else:
        slope = (spread.unsqueeze(-1) * (x - x.mean(0))).sum(0) / (spread**2).sum()
    grid = torch.arange(MAX_ATOMS + 1, device=x.device).clamp(min=1).double().log()
    return x.mean(0) + (grid - log_n.mean()).unsqueeze(-1) * slope


def _sum_by_size(x: Float[Tensor, "crystals 3"], sizes: Sizes) -> Float[Tensor, "counts 3"]:
    return x.new_zeros(MAX_ATOMS + 1, x.shape[-1]).index_add_(0, sizes, x)
