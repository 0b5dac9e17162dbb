"""Denoising score matching of Cartesian coordinates in a cell, and annealed Langevin dynamics (CDVAE, section 4.3).

Noise of sigma Å is added to all atoms. Of the images of an atom's true place the nearest one counts: with the
displacement d to it, the score is d / sigma^2, and the network learns d / sigma. A step of Langevin dynamics at a level
is

    x <- x + a s / sigma + sqrt(2 a) z,    a = step_size (sigma / sigma_last)^2,

with the network's answer s and normal z (Song and Ermon 2019, arXiv 1907.05600).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from nucleate.arrays import Cells, PerAtom3, PerCrystal
from nucleate.crystals import wrap
from nucleate.processes.base import as_column

NEIGHBOURS = torch.cartesian_prod(*[torch.arange(-1, 2)] * 3)
"""The 27 cells around and including one. [27, 3]"""


def noise_levels(first: float, last: float, count: int) -> Float[Tensor, " levels"]:
    """Widths in geometric progression from the first to the last."""
    ends = torch.tensor([first, last], dtype=torch.float64).log()
    return torch.linspace(float(ends[0]), float(ends[1]), count, dtype=torch.float64).exp().float()


def shortest(difference: PerAtom3, lattice: Cells) -> PerAtom3:
    """The shortest of the periodic images of displacements given in fractions of the cell, Å.

    Of the 27 images around the one in [-1/2, 1/2): all that a reduced cell needs.
    """
    images = (difference - difference.round()).unsqueeze(-2) + NEIGHBOURS.to(difference)
    vectors = images @ lattice.unsqueeze(1)
    nearest = vectors.square().sum(-1).argmin(-1)
    return vectors.gather(2, nearest[..., None, None].expand(*nearest.shape, 1, 3)).squeeze(2)


def moved(frac: PerAtom3, displacement: PerAtom3, lattice: Cells) -> PerAtom3:
    """Fractional coordinates after a displacement in Å."""
    return wrap(frac + torch.linalg.solve(lattice, displacement, left=False))


def target(data: PerAtom3, noisy: PerAtom3, lattice: Cells, sigma: PerCrystal) -> PerAtom3:
    """d / sigma: the way from the noisy places to the nearest images of the true ones, in widths of the noise."""
    return shortest(data - noisy, lattice) / as_column(sigma, data)


def along_axes(answer: PerAtom3, lattice: Cells) -> PerAtom3:
    """A network's three numbers for each atom as a vector that turns with the cell: along its unit vectors."""
    return answer @ (lattice / lattice.norm(dim=-1, keepdim=True).clamp(min=1e-6))


def langevin(
    frac: PerAtom3, answer: PerAtom3, lattice: Cells, sigma: float, step: float, normal: PerAtom3
) -> PerAtom3:
    """One step of length `step` (Å^2) at a level. answer: s of the module's text. [crystals, atoms, 3]"""
    return moved(frac, step * answer / sigma + (2 * step) ** 0.5 * normal, lattice)
