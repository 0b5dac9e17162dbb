"""Base of all representations of the lattice: cells in Å to channels for a process, and back.

One file for each representation. Any finite channels decode to some cell. Statistics come from the training split and
are buffers saved with the weights. Lengths and angles don't determine handedness, so a left-handed cell comes back as
its mirror image.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from nucleate.arrays import Cells, Mask, Sizes, Vectors
from nucleate.codecs.informed import FLOWMM_ANGLES, InformedCells
from nucleate.errors import DataError
from nucleate.geometry.lattice import Triples, cell_from_parameters
from nucleate.geometry.noise import Noise

Order = Int[Tensor, "crystals 3"]

SHORTEST, LONGEST = math.exp(-3), math.exp(7)
"""Decoded lengths are kept between 0.05 and 1097 Å: an untrained network may predict anything."""


class LatticeCodec(nn.Module, ABC):
    """Cells [crystals, 3, 3] to and from vectors [crystals, width].

    Attributes:
        width: channels of a vector.
        by_axis: whether standardising treats a, b and c differently, so that they can't be permuted afterwards.
        cells: the distribution of cells for `draw`, None unless the codec is informed.
    """

    width: int
    by_axis: bool = True

    def __init__(
        self, *, standardise: bool, informed: bool = False, angles: tuple[float, float] = FLOWMM_ANGLES
    ) -> None:
        """Without `standardise` nothing is fitted. `angles` (degrees) bound those of `draw`."""
        super().__init__()
        self.standardise = standardise
        self.cells = InformedCells(*angles) if informed else None
        self._register_statistics()

    def fit(self, lattice: Cells, sizes: Sizes) -> None:
        """Fit the statistics to a training split: lattice in Å [crystals, 3, 3], atoms in each [crystals].

        Raises DataError for an empty split, and for cell vectors that are zero or not finite.
        """
        if not self.standardise and self.cells is None:
            return
        lengths = lattice.norm(dim=-1)
        broken = ~(torch.isfinite(lengths) & (lengths > 0)).all(-1)
        if not len(lattice) or broken.any():
            found = f"{int(broken.sum())} of {len(lattice)} cells have vectors that are zero or not finite"
            raise DataError(
                f"in the training split {found}" if len(lattice) else "the training split has no cells",
                "import the data set again",
            )
        if self.standardise:
            self._standardise(lattice.double(), sizes)
        if self.cells is not None:
            self.cells.fit(lattice)

    def encode(self, lattice: Cells, sizes: Sizes) -> Vectors:
        """Cells in Å to vectors."""
        loc, scale = self._statistics(sizes)
        return ((self._raw(lattice.double()) - loc) / scale).to(lattice.dtype)

    def decode(self, x: Vectors, sizes: Sizes) -> Cells:
        """Vectors to cells in Å, never NaN for finite vectors; vectors that describe no cell give a flat one."""
        loc, scale = self._statistics(sizes)
        return self._cells(x * scale + loc).to(x.dtype)

    @property
    def permutes(self) -> bool:
        """Whether `permuted` is possible."""
        return not (self.standardise and self.by_axis)

    def permuted(self, x: Vectors, order: Order) -> Vectors:
        """The same cells with their axes in another order: axis i of the result is axis order[:, i].

        It is linear in x, so predictions about x (a noise, a velocity) are permuted in the same way. Raises ValueError
        for a codec that is standardised by axis.
        """
        if not self.permutes:
            raise ValueError(
                f"{type(self).__name__} is standardised by axis and can't permute axes; use standardise=False"
            )
        return self._permuted(x, order)

    def draw(self, mask: Mask, noise: Noise) -> Vectors:
        """Vectors of cells drawn from the fitted distribution, float32. Raises ValueError if the codec has none."""
        if self.cells is None:
            raise ValueError(
                f"{type(self).__name__} has no distribution of cells to draw from; use informed=True"
            )
        return self.encode(self.cells.draw(mask, noise), mask.sum(1))

    @abstractmethod
    def _register_statistics(self) -> None:
        """Register the buffers of the statistics, so that nothing is standardised before `fit`."""

    @abstractmethod
    def _raw(self, lattice: Cells) -> Vectors:
        """Cells (float64) to vectors before standardising."""

    @abstractmethod
    def _cells(self, raw: Vectors) -> Cells:
        """Vectors before standardising to cells. The vectors may hold infinities."""

    @abstractmethod
    def _statistics(self, sizes: Sizes) -> tuple[Tensor, Tensor]:
        """loc and scale, which broadcast against vectors."""

    @abstractmethod
    def _standardise(self, lattice: Cells, sizes: Sizes) -> None:
        """Fit loc and scale to cells (float64)."""

    @abstractmethod
    def _permuted(self, x: Vectors, order: Order) -> Vectors: ...


def permuted_parameters(x: Float[Tensor, "crystals 6"], order: Order) -> Float[Tensor, "crystals 6"]:
    """Three numbers for the axes and three for the angles in another order; each angle goes with the opposite axis."""
    return x.gather(1, torch.cat([order, order + 3], 1))


def cells_of(lengths: Triples, angles: Triples) -> Cells:
    """`cell_from_parameters` with a gradient that is finite for flat cells too, where it is zero in the angles."""
    cos = torch.cos(angles)
    volume = 1 + 2 * cos.prod(-1) - cos.square().sum(-1)
    solid = volume > 16 * torch.finfo(angles.dtype).eps
    return cell_from_parameters(lengths, torch.where(solid.unsqueeze(-1), angles, angles.detach()))


def canonical(rows: Cells) -> Cells:
    """Any three rows as a cell in the orientation of `cell_from_parameters`, lengths within the bounds above."""
    lengths = rows.norm(dim=-1)
    unit = rows / lengths.clamp(min=SHORTEST).unsqueeze(-1)
    cosines = (unit.roll(-1, 1) * unit.roll(1, 1)).sum(-1)
    # Kept below 1, where the slope of the arc cosine is infinite.
    return cells_of(lengths.clamp(SHORTEST, LONGEST), torch.acos(cosines.clamp(-1 + 1e-12, 1 - 1e-12)))
