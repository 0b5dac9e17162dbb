"""Cells for the tests of codecs: ordinary, extreme and special; the special ones have angles from 60 to 120."""

from __future__ import annotations

import torch

from nucleate.codecs.lattice import LatticeCodec, lattice_codec
from nucleate.geometry.lattice import cell_from_parameters

NAMES = ("log-lengths", "logit-angles", "matrix", "polar")
SPECIAL = (
    (4.0, 4.0, 4.0, 90, 90, 90),
    (2.5, 2.5, 2.5, 60, 60, 60),
    (4.0, 4.0, 6.0, 90, 90, 120),
    (3.0, 3.0, 3.0, 109.4712206, 109.4712206, 109.4712206),
    (0.5, 30.0, 200.0, 90, 90, 90),
    (0.6, 150.0, 0.6, 61, 119, 88),
    (200.0, 200.0, 200.0, 60.1, 60.1, 60.1),
    (1.0, 2.0, 90.0, 119.5, 119.5, 119.5),
)
SKEW = ((3.0, 4.0, 5.0, 20, 25, 30), (3.0, 4.0, 5.0, 150, 150, 58), (1.0, 8.0, 60.0, 12, 90, 90))


def cells_from(rows) -> torch.Tensor:
    """Cells of (a, b, c in Å, alpha, beta, gamma in degrees), float64."""
    values = torch.tensor(rows, dtype=torch.float64)
    return cell_from_parameters(values[:, :3], torch.deg2rad(values[:, 3:]))


def random_cells(count: int, seed: int = 0) -> torch.Tensor:
    """Lengths about 3, 4 and 6 Å, angles from 65 to 115 degrees, float64."""
    generator = torch.Generator().manual_seed(seed)
    spread = 0.25 * torch.randn(count, 3, generator=generator, dtype=torch.float64)
    lengths = torch.tensor([3.0, 4.0, 6.0]).double() * spread.exp()
    angles = 65 + 50 * torch.rand(count, 3, generator=generator, dtype=torch.float64)
    return cell_from_parameters(lengths, torch.deg2rad(angles))


def permuted_cells(cells: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """Rows in another order, one crystal after another, in the standard orientation by way of lengths and angles."""
    import numpy as np
    from pymatgen.core import Lattice

    turned = [
        Lattice.from_parameters(*Lattice(cell[o.tolist()].numpy()).parameters).matrix
        for cell, o in zip(cells, order, strict=True)
    ]
    return torch.from_numpy(np.stack(turned))


def codec_of(name: str, fit: bool, informed: bool = False) -> LatticeCodec:
    """A codec; if standardised, fitted on 500 random cells of 1 to 9 atoms."""
    codec = lattice_codec(name, standardise=fit, informed=informed)
    codec.fit(random_cells(500, 7), 1 + torch.arange(500) % 9)
    return codec
