"""A crystal as one tensor, in real and in reciprocal space, and back exactly (FTCP, arXiv 2005.07609, figure 2).

    columns   one for each element of the crystal, at least 3 | one for each of 59 reciprocal lattice points
    rows 100  which element a column is                       | -
    rows 2    a, b, c and alpha, beta, gamma                  | -
    rows s    coordinates of each site                        | -
    rows s    which column each site belongs to               | -
    row 1     -                                               | length of the point's vector
    rows p    properties of the column's element              | structure factors

All numbers lie in [0, 1]. Elements stand by atomic number, sites by column and then by coordinates, so that every
crystal has one tensor. The published "Fourier" features are linear in the coordinates; here they are structure factors
sum_j w_j exp(2 pi i h.r_j) / sum_j |w_j|, real and imaginary, for four weights w of the elements. In the place of
CGCNN's 92 properties stand period and column of the periodic table.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from nucleate.arrays import Cells, Mask, Species
from nucleate.cell import Cell
from nucleate.codecs.base import cells_of
from nucleate.crystals import Crystals
from nucleate.data.table import CrystalTable
from nucleate.elements import MAX_ATOMIC_NUMBER, group_of, period_of
from nucleate.geometry.lattice import cell_parameters

POINTS, PERIODS, GROUPS = 59, 7, 32
LONGEST = 40.0
"""Å; what a length is told in units of."""
FARTHEST = 12.0
"""1/Å; what the length of a reciprocal vector, with 2 pi, is told in units of."""

Tensors = Float[Tensor, "crystals rows columns"]


@dataclass(frozen=True)
class Layout:
    """Sizes of the tensor.

    Attributes:
        sites: most atoms in a cell.
        elements: most elements in a crystal.
    """

    sites: int
    elements: int

    @property
    def columns(self) -> int:
        """Of the real part."""
        return max(3, self.elements)

    @property
    def starts(self) -> dict[str, int]:
        """First row of each block."""
        rows = {"elements": MAX_ATOMIC_NUMBER, "lattice": 2, "places": self.sites, "columns": self.sites,
                "lengths": 1, "properties": PERIODS + GROUPS}  # fmt: skip
        starts, first = {}, 0
        for name, count in rows.items():
            starts[name], first = first, first + count
        return {**starts, "end": first}

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.starts["end"], self.columns + POINTS

    @cached_property
    def points(self) -> Float[Tensor, "3 points"]:
        """The 59 shortest vectors h, k, l of one half of space."""
        grid = np.array([(h, k, l) for h in range(-4, 5) for k in range(-4, 5) for l in range(-4, 5)])  # noqa: E741
        half = [one for one in grid.tolist() if tuple(one) > (0, 0, 0)]
        chosen = sorted(half, key=lambda one: (sum(x * x for x in one), [-x for x in one]))[:POINTS]
        return torch.tensor(chosen).T.double()

    def holds(self, table: CrystalTable) -> np.ndarray:
        """Which crystals of a split fit. [crystals]"""
        kinds = np.array([len(np.unique(table.species[table.atoms_of(row)])) for row in range(len(table))])
        return (table.sizes <= self.sites) & (kinds <= self.elements)


def ordered(cell: Cell) -> Cell:
    """The crystal with its atoms in the one order."""
    frac = cell.frac % 1 % 1
    order = np.lexsort((*np.round(frac, 6).T[::-1], cell.species))
    return Cell(cell.species[order], frac[order], cell.lattice)


def ordered_table(table: CrystalTable) -> CrystalTable:
    """All crystals of a split in the one order of atoms."""
    cells = [ordered(cell) for cell in table.cells()]
    species, frac = (
        np.concatenate([one.species for one in cells]),
        np.concatenate([one.frac for one in cells]),
    )
    return CrystalTable(table.ids, species, table.offsets, frac, table.lattice, table.properties)


def represented(crystals: Crystals, layout: Layout) -> Tensors:
    """Tensors of crystals that fit into the layout and whose atoms are in order."""
    species, mask, like = crystals.species, crystals.mask, crystals.frac
    count, atoms = mask.shape
    out, at = like.new_zeros(count, *layout.shape), layout.starts
    new = torch.ones_like(mask)
    new[:, 1:] = species[:, 1:] != species[:, :-1]
    column = (new & mask).cumsum(1) - 1
    row, site = torch.nonzero(mask, as_tuple=True)
    number, place = species[row, site], column[row, site]
    out[row, at["elements"] + number - 1, place] = 1
    lengths, angles = cell_parameters(crystals.lattice)
    out[:, at["lattice"], :3], out[:, at["lattice"] + 1, :3] = lengths / LONGEST, angles / torch.pi
    out[:, at["places"] : at["places"] + atoms, :3] = like * mask.unsqueeze(-1)
    out[row, at["columns"] + site, place] = 1
    period, group = (torch.tensor([f(n) for n in range(MAX_ATOMIC_NUMBER + 1)], device=like.device)
                     for f in (period_of, group_of))  # fmt: skip
    out[row, at["properties"] + period[number] - 1, place] = 1
    out[row, at["properties"] + PERIODS + group[number] - 1, place] = 1
    points = layout.points.to(like)
    out[:, at["lengths"], layout.columns :] = reciprocal_lengths(crystals.lattice, points) / FARTHEST
    factors = structure_factors(species, crystals.frac, mask, points)
    first = at["properties"]
    out[:, first : first + factors.shape[1], layout.columns :] = (factors + 1) / 2
    return out


def reciprocal_lengths(lattice: Cells, points: Tensor) -> Float[Tensor, "crystals points"]:
    """Of 2 pi (h a* + k b* + l c*), 1/Å."""
    return 2 * torch.pi * (torch.linalg.inv(lattice) @ points).norm(dim=1)


def structure_factors(
    species: Species, frac: Tensor, mask: Mask, points: Tensor
) -> Float[Tensor, "crystals 8 points"]:
    """Real and imaginary parts for the weights 1, Z / 100, period / 7 and column / 32, each over the sum of weights."""
    numbers = torch.arange(MAX_ATOMIC_NUMBER + 1)
    period, group = (torch.tensor([f(int(n)) for n in numbers]) for f in (period_of, group_of))
    table = torch.stack([torch.ones(len(numbers)), numbers / 100, period / 7, group / 32], -1).to(frac)
    weights = table[species] * mask.unsqueeze(-1)
    weights = weights / weights.sum(1, keepdim=True)
    phase = 2 * torch.pi * (frac @ points)
    return torch.cat([weights.mT @ phase.cos(), weights.mT @ phase.sin()], 1)


def read(tensors: Tensors, layout: Layout, threshold: float = 0.05) -> list[Cell | None]:
    """The crystals that tensors say, by the real part alone; None for one without any atom.

    threshold: what is below it is not there, columns and sites alike (0.05 as published).
    """
    at, wide = layout.starts, layout.columns
    x = tensors[:, :, :wide].double()
    elements, sites = x[:, :MAX_ATOMIC_NUMBER], x[:, at["columns"] : at["columns"] + layout.sites]
    (sure, number), (there, column) = elements.max(1), sites.max(2)
    known = (sure >= threshold).gather(1, column) & (there >= threshold)
    species = torch.where(known, 1 + number.gather(1, column), 0)
    frac = x[:, at["places"] : at["places"] + layout.sites, :3]
    lengths = LONGEST * x[:, at["lattice"], :3].clamp(1e-3, 25.0)
    angles = torch.pi * x[:, at["lattice"] + 1, :3].clamp(0.01, 0.99)
    cells = cells_of(lengths, angles)
    return [
        Cell(kinds[real].numpy(), places[real].numpy() % 1, cell.numpy()) if real.any() else None
        for kinds, places, cell, real in zip(species.cpu(), frac.cpu(), cells.cpu(), known.cpu(), strict=True)
    ]
