"""A batch of templates as tensors: projections of positions, displacements, species and cells.

Padded free parameters have zeros, and templates of one operation, or none, leave everything as it is. See
`nucleate.symmetry.free` for W, B and K.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from nucleate.arrays import Cells, PerAtom, PerAtom3
from nucleate.symmetry.free import Freedom
from nucleate.symmetry.template import Template


@dataclass(frozen=True, eq=False)
class Projection:
    """Templates of one batch, float64.

    Attributes:
        free: crystals without a template. [crystals]
        origin: f0, in cells. [crystals, atoms, 3]
        anchors: the atom of the same orbit that free parameters are read off. [crystals, atoms]
        shares: the matrix of the mean over an orbit. [crystals, atoms, atoms]
        basis, read, mean: W, B and K. [crystals, 3 atoms, free], twice [crystals, free, 3 atoms]
        spread: square root of the number of atoms in the orbit of each free parameter. [crystals, free]
        metric: the mean over operations, for metrics row by row. [crystals, 9, 9]
        metrics: metrics that the operations leave unchanged, padded with zeros. [crystals, 6, 3, 3]
        lattice: a cell with the symmetry, zeros where none is known. [crystals, 3, 3]
    """

    free: Bool[Tensor, " crystals"]
    origin: PerAtom3
    anchors: Int[Tensor, "crystals atoms"]
    shares: Float[Tensor, "crystals atoms others"]
    basis: Float[Tensor, "crystals coordinates free"]
    read: Float[Tensor, "crystals free coordinates"]
    mean: Float[Tensor, "crystals free coordinates"]
    spread: Float[Tensor, "crystals free"]
    metric: Float[Tensor, "crystals 9 9"]
    metrics: Float[Tensor, "crystals 6 3 3"]
    lattice: Cells

    @classmethod
    def of(cls, templates: Sequence[Template | None], atoms: int) -> Projection:
        """Templates (None: a crystal without one), padded to so many atoms."""
        asked = [None if one is None or len(one.rotations) == 1 else one for one in templates]
        return cls.of_freedoms([one and Freedom.of(one) for one in asked], atoms)

    @classmethod
    def of_freedoms(cls, freedoms: Sequence[Freedom | None], atoms: int) -> Projection:
        """The same from the templates' free parameters."""
        count = len(freedoms)
        most = max((one.basis.shape[1] for one in freedoms if one), default=0)
        origin, anchors = np.zeros((count, atoms, 3)), np.tile(np.arange(atoms), (count, 1))
        shares, basis = np.tile(np.eye(atoms), (count, 1, 1)), np.zeros((count, 3 * atoms, most))
        read, mean = (np.zeros((count, most, 3 * atoms)) for _ in range(2))
        spread = np.zeros((count, most))
        metric, metrics = np.tile(np.eye(9), (count, 1, 1)), np.zeros((count, 6, 3, 3))
        lattice = np.zeros((count, 3, 3))
        for row, one in enumerate(freedoms):
            if one is None:
                continue
            size, width = len(one.origin), one.basis.shape[1]
            origin[row, :size], anchors[row, :size], lattice[row] = one.origin, one.orbits, one.lattice
            same = one.orbits[:, None] == one.orbits[None]
            shares[row, :size, :size] = same / same.sum(1, keepdims=True)
            basis[row, : 3 * size, :width] = one.basis
            read[row, :width, : 3 * size], mean[row, :width, : 3 * size] = one.read, one.mean
            spread[row, :width] = np.sqrt(one.multiplicity)
            metric[row], metrics[row, : len(one.metrics)] = one.metric, one.metrics
        free = np.array([one is None for one in freedoms])
        arrays = (free, origin, anchors, shares, basis, read, mean, spread, metric, metrics, lattice)
        return cls(*map(torch.from_numpy, arrays))

    def to(self, device: torch.device | str) -> Projection:
        return Projection(*(getattr(self, field.name).to(device) for field in fields(self)))

    def positions(self, x: PerAtom3, period: float = 1.0) -> PerAtom3:
        """f0 + W B (x - f0): symmetric points of the torus, in units of which a cell has `period`; not wrapped."""
        origin = (period * self.origin).to(x)
        moved = origin + self._carried(self.read, x - origin)
        return self.asked(moved, x)

    def shortest(self, x: PerAtom3, period: float = 1.0) -> PerAtom3:
        """W times the shortest of the images of B x: the displacement for the difference x of two symmetric points."""
        u = self._times(self.read, x)
        u = torch.remainder(u + period / 2, period) - period / 2
        shortest = torch.remainder(x + period / 2, period) - period / 2
        return self.asked(self._spread_out(u, x), shortest)

    def displacements(self, x: PerAtom) -> PerAtom:
        """W K x, the mean over the operations, for every three channels separately."""
        parts = [self._carried(self.mean, part) for part in x.split(3, -1)]
        return self.asked(torch.cat(parts, -1), x)

    def normals(self, x: PerAtom3) -> PerAtom3:
        """Displacements from standard normal numbers, with the mean square over an orbit that free atoms would have in
        the free directions."""
        u = self._times(self.mean, x) * self.spread.to(x).unsqueeze(-1)
        return self.asked(self._spread_out(u, x), x)

    def anchored(self, x: Tensor) -> Tensor:
        """The value of each orbit's anchor, for all of its atoms. [crystals, atoms, ...]"""
        index = self.anchors.reshape(*self.anchors.shape, *(1,) * (x.ndim - 2)).expand_as(x)
        return x.gather(1, index)

    def orbit_mean(self, x: PerAtom) -> PerAtom:
        """The mean over each orbit, for all of its atoms."""
        return self.asked(self.shares.to(x) @ x, x)

    def cells(self, lattice: Cells) -> Cells:
        """Cells with the metric averaged over the operations, turned as little as possible. float64"""
        rows = lattice.double()
        metric = rows @ rows.mT
        mean = (self.metric @ metric.flatten(1).unsqueeze(-1)).reshape(-1, 3, 3)
        turned = _power(mean, 0.5) @ _power(metric, -0.5) @ rows
        return self.asked(turned, rows)

    def _carried(self, matrix: Tensor, x: PerAtom3) -> PerAtom3:
        return self._spread_out(self._times(matrix, x), x)

    def _spread_out(self, u: Tensor, like: PerAtom3) -> PerAtom3:
        return (self.basis.to(like) @ u).reshape(like.shape)

    def _times(self, matrix: Tensor, x: PerAtom3) -> Tensor:
        return matrix.to(x) @ x.flatten(1).unsqueeze(-1)

    def asked(self, projected: Tensor, x: Tensor) -> Tensor:
        """The projected values, and x itself for crystals without a template."""
        return torch.where(self.free.reshape(-1, *(1,) * (x.ndim - 1)), x, projected)


def _power(metric: Cells, exponent: float) -> Cells:
    values, vectors = torch.linalg.eigh(metric)
    return (vectors * values.clamp(min=1e-12).unsqueeze(-2) ** exponent) @ vectors.mT
