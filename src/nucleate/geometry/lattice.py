"""Cell vectors, lengths and angles. Rows of a cell are a, b, c in Å; angles are alpha, beta, gamma in radians."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from nucleate.arrays import Cells

Triples = Float[Tensor, "crystals 3"]


def cell_parameters(lattice: Cells) -> tuple[Triples, Triples]:
    """Lengths (Å) and angles (radians) of each cell."""
    lengths = lattice.norm(dim=-1)
    unit = lattice / lengths.unsqueeze(-1)
    cosines = (unit.roll(-1, 1) * unit.roll(1, 1)).sum(-1)
    return lengths, torch.acos(cosines.clamp(-1, 1))


def cell_from_parameters(lengths: Triples, angles: Triples) -> Cells:
    """Cells with c along z and a in the xz plane, the orientation that pymatgen uses.

    Angles that no cell has (alpha + beta < gamma and the like) give a flat cell of no volume, not NaN.
    """
    cos, sin = torch.cos(angles), torch.sin(angles)
    # An angle of 0 or 180 degrees has no sine to divide by.
    sines = (sin[:, 0] * sin[:, 1]).clamp(min=1e-12)
    cos_gamma_star = ((cos[:, 0] * cos[:, 1] - cos[:, 2]) / sines).clamp(-1, 1)
    sin_gamma_star = torch.sqrt((1 - cos_gamma_star**2).clamp(min=0))
    a, b, c = lengths.unbind(-1)
    zero = torch.zeros_like(a)
    rows = (
        torch.stack([a * sin[:, 1], zero, a * cos[:, 1]], -1),
        torch.stack([-b * sin[:, 0] * cos_gamma_star, b * sin[:, 0] * sin_gamma_star, b * cos[:, 0]], -1),
        torch.stack([zero, zero, c], -1),
    )
    return torch.stack(rows, 1)
