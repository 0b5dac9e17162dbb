"""The channels of cells with a symmetry: the tangent plane of their surface, for any codec and any process.

Cells with a symmetry form a curved surface in most channels: body-centred tetragonal ones, in a primitive setting,
have angles whose cosines sum to -1. The plane touches them at a reference: the template's own cell, or the codec's
mean made symmetric. At a time t the plane goes through what the process makes of the reference without noise.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nucleate.arrays import Cells, Mask, PerCrystal, Vectors
from nucleate.codecs.base import LatticeCodec
from nucleate.geometry.noise import Noise
from nucleate.processes.base import Noised, Process
from nucleate.symmetry.projection import Projection

STEP = 1e-4
"""Step of a metric, relative to its size, for slopes of channels by central differences in float64."""


class CellPlane:
    """The planes of one batch. Crystals without a template are left as they are.

    process, codec: of the lattice. projection: the templates. mask: which atoms are real.
    """

    @torch.no_grad()
    def __init__(self, process: Process, codec: LatticeCodec, projection: Projection, mask: Mask) -> None:
        self.process, self.mask, self.free = process, mask, projection.free
        sizes = mask.sum(1)
        mean = codec.decode(torch.zeros(len(mask), codec.width, device=mask.device).double(), sizes)
        known = projection.lattice.abs().sum((1, 2)) > 0
        cells = projection.cells(torch.where(known[:, None, None], projection.lattice, mean))
        self.reference = codec.encode(cells, sizes)
        slopes = _slopes(codec, cells, projection.metrics, sizes)
        self.along = slopes @ torch.linalg.pinv(slopes, rtol=1e-6)

    def flat(self, x: Vectors) -> Vectors:
        """The part along the plane, for every `width` channels separately; other tensors as they are."""
        width = self.along.shape[-1]
        if x.ndim != 2 or x.shape[1] % width:
            return x
        parts = [(self.along.to(x) @ part.unsqueeze(-1)).squeeze(-1) for part in x.split(width, -1)]
        return torch.where(self.free.unsqueeze(-1), x, torch.cat(parts, -1))

    def held(self, part: str, x: Vectors, t: PerCrystal) -> Vectors:
        """A part of the state in the plane at the times t."""
        middle = self._path(x, t).state[part]
        return torch.where(self.free.unsqueeze(-1), x, middle + self.flat(x - middle))

    def answered(self, x: Vectors, t: PerCrystal) -> Vectors:
        """An answer, or a target, for symmetric cells: that for the reference, and the part along the plane."""
        middle = self._path(x, t).target
        return torch.where(self.free.unsqueeze(-1), x, middle + self.flat(x - middle))

    def _path(self, like: Tensor, t: PerCrystal) -> Noised:
        return self.process.corrupt(self.reference.to(like), t, self.mask, Still(self.free.long()))


class Still(Noise):
    """Noise replaced by its mean: normal numbers are 0, uniform ones a half."""

    def normal(self, *shape: int) -> Tensor:
        return torch.zeros(len(self.keys), *shape, device=self.keys.device)

    def uniform(self, *shape: int) -> Tensor:
        return self.normal(*shape) + 0.5


def _slopes(codec: LatticeCodec, cells: Cells, metrics: Tensor, sizes: Tensor) -> Tensor:
    """Slopes of the channels along each metric that the operations leave unchanged. [crystals, channels, metrics]"""
    metric = cells @ cells.mT
    step = STEP * metric.diagonal(dim1=1, dim2=2).mean(1)[:, None, None]
    slopes = []
    for direction in metrics.unbind(1):
        ends = [torch.linalg.cholesky(metric + sign * step * direction) for sign in (1, -1)]
        more, less = (codec.encode(end, sizes) for end in ends)
        slopes.append((more - less) / 2 / STEP)
    return torch.stack(slopes, -1)
