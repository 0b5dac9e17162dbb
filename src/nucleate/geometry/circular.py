"""Angles about their circular mean: the mean, its slope, and the distribution of wrapped normal noise about it.

EquiCSP (Lin et al., ICML 2024) subtracts the circular mean over a crystal's atoms from the noise and fits a von Mises
distribution (Mardia and Jupp, Directional Statistics, 2000, sections 3.5 and 5.3) to the rest. Its code reads the
concentration and two mean squares from files simulated for each number of atoms and each of 1,000 noise levels. Here
they are smooth functions of both, tabulated in half a second by scrambled Sobol points with a fixed seed.
"""

from __future__ import annotations

import functools
import math

import torch
from jaxtyping import Float
from torch import Tensor

from nucleate.arrays import Mask, PerAtom, PerCrystal, Sizes
from nucleate.geometry.precision import at_least_float32
from nucleate.geometry.tables import Table
from nucleate.geometry.torus import wrap

SIMULATED = 20
"""Atoms drawn one by one; the resultant of all others is a normal pair with the exact first two moments."""
ATOMS = (*range(2, SIMULATED + 1), 24, 28, 32, 40, 52, 64, 96, 128, 192, 256, 512, 1024)
LOG_ATOMS = Table(torch.tensor(ATOMS).log())
WIDEST, STEPS, DRAWS = 4.0, 40, 8192
FOLLOWED = 2
"""Atoms of each draw whose angles to the mean are averaged."""


def resultant(angle: PerAtom, mask: Mask) -> tuple[Tensor, Tensor]:
    """Mean cosine and mean sine over the real atoms of each crystal, [crystals, 1, channels]."""
    real = mask.unsqueeze(-1).to(angle.dtype)
    count = real.sum(1, keepdim=True).clamp(min=1)
    cosine = (torch.cos(angle) * real).sum(1, keepdim=True) / count
    return cosine, (torch.sin(angle) * real).sum(1, keepdim=True) / count


def circular_mean(angle: PerAtom, mask: Mask) -> Float[Tensor, "crystals 1 channels"]:
    """Direction of the resultant of the real atoms, in [-pi, pi]."""
    cosine, sine = resultant(angle, mask)
    return torch.atan2(sine, cosine)


def about_mean(angle: PerAtom, mask: Mask) -> PerAtom:
    """Angles relative to the circular mean of their crystal, in [-pi, pi); zero in padding and in cells of one atom."""
    more = (mask.sum(1) > 1)[:, None] & mask
    return wrap(angle - circular_mean(angle, mask)) * more.unsqueeze(-1)


def mean_slope(angle: PerAtom, mask: Mask) -> PerAtom:
    """Derivative of the circular mean with respect to each angle: its sum over a crystal is 1."""
    cosine, sine = resultant(angle, mask)
    # Angles that cancel have no mean; a small floor keeps their slope finite.
    length = (cosine**2 + sine**2).clamp(min=1e-6)
    count = mask.sum(1)[:, None, None].clamp(min=1)
    slope = (cosine * torch.cos(angle) + sine * torch.sin(angle)) / length / count
    return slope * mask.unsqueeze(-1)


def concentration(length: Float[Tensor, "..."], rounds: int = 8) -> Float[Tensor, "..."]:
    """kappa of the von Mises distribution with mean resultant length I1(kappa) / I0(kappa), its maximum-likelihood fit.

    Newton's method in float64; lengths are in [0, 1).
    """
    length = length.double()
    # Banerjee et al. 2005 (JMLR 6, 1345), eq. 4.4, is within a few per cent everywhere.
    kappa = length * (2 - length**2) / (1 - length**2)
    for _ in range(rounds):
        ratio = torch.special.i1e(kappa) / torch.special.i0e(kappa)
        slope = 1 - ratio**2 - ratio / kappa.clamp(min=1e-12)
        kappa = (kappa - (ratio - length) / slope.clamp(min=1e-12)).clamp(min=0)
    return torch.where(length > 0, kappa, 0.0)


def mean_free_law(atoms: Sizes, sigma: PerCrystal) -> tuple[PerCrystal, PerCrystal, PerCrystal]:
    """Moments of d, the noise of one atom about the circular mean of all `atoms`, each wrapped normal of width sigma
    (radians): kappa of the von Mises distribution fitted to d, root mean square of sin d, root mean square of d.

    For small sigma they are 1 / w, sqrt(w) and sqrt(w) with w = sigma^2 (1 - 1 / atoms). For cells of one atom all
    three are 0. Between 2 and 1,024 atoms the table is within 1 % of simulation; above, it is that of 1,024.
    """
    sigma = at_least_float32(sigma)
    n, width = atoms.to(sigma).clamp(min=2, max=ATOMS[-1]), sigma.clamp(max=WIDEST)
    log_kappa, log_sine, log_spread = _interpolated(n.log(), width / WIDEST * STEPS)
    variance = width**2 * (1 - 1 / n)
    some = atoms > 1
    values = (
        log_kappa.exp() / variance,
        (log_sine.exp() * variance).sqrt(),
        (log_spread.exp() * variance).sqrt(),
    )
    kappa, sine, spread = (torch.where(some, value, 0.0) for value in values)
    return kappa, sine, spread


def _interpolated(log_atoms: PerCrystal, place: PerCrystal) -> Float[Tensor, "3 crystals"]:
    """The table, linear in the logarithm of the number of atoms and in sigma."""
    table, nodes = _table().like(log_atoms), LOG_ATOMS.like(log_atoms)
    row = (torch.searchsorted(nodes, log_atoms, right=True) - 1).clamp(0, len(nodes) - 2)
    left = place.floor().long().clamp(0, STEPS - 1)
    down = ((log_atoms - nodes[row]) / (nodes[row + 1] - nodes[row])).clamp(0, 1)
    upper, lower = (
        torch.lerp(table[:, r, left], table[:, r, left + 1], place - left) for r in (row, row + 1)
    )
    return torch.lerp(upper, lower, down)


@functools.cache
def _table() -> Table:
    """log of kappa w, E[sin^2 d] / w and E[d^2] / w for ATOMS and STEPS + 1 sigmas, 0 at sigma = 0.
    [3, sizes, widths]"""
    sobol = torch.quasirandom.SobolEngine(SIMULATED + 2, scramble=True, seed=0).draw(DRAWS).double()
    normal = math.sqrt(2) * torch.erfinv((2 * sobol - 1).clamp(-1 + 1e-7, 1 - 1e-7))
    n = torch.tensor(ATOMS, dtype=torch.float64)
    columns = [torch.zeros(3, len(ATOMS), dtype=torch.float64)]
    for step in range(1, STEPS + 1):
        sigma = WIDEST * step / STEPS
        length, sine, spread = _moments(normal, sigma)
        variance = sigma**2 * (1 - 1 / n)
        columns.append(
            torch.stack([concentration(length) * variance, sine / variance, spread / variance]).log()
        )
    return Table(torch.stack(columns, -1))


def _moments(normal: Tensor, sigma: float) -> tuple[Tensor, Tensor, Tensor]:
    """E[cos d], E[sin^2 d] and E[d^2] for each of ATOMS, from standard normals [draws, SIMULATED + 2]."""
    angle = sigma * normal[:, :SIMULATED]
    cosine, sine = torch.cos(angle), torch.sin(angle)
    one, two = math.exp(-0.5 * sigma**2), math.exp(-2 * sigma**2)
    n = torch.tensor(ATOMS)
    last, others = n.clamp(max=SIMULATED) - 1, (n - SIMULATED).clamp(min=0).double()
    x = cosine.cumsum(1)[:, last] + others * one
    y = sine.cumsum(1)[:, last] + torch.sqrt(others * (1 - two) / 2) * normal[:, -1:]
    x = x + torch.sqrt(others * ((1 + two) / 2 - one**2)) * normal[:, -2:-1]
    length = torch.hypot(x, y)
    squares, spread = torch.zeros(len(n)).double(), torch.zeros(len(n)).double()
    for atom in range(FOLLOWED):
        c, s = cosine[:, atom, None], sine[:, atom, None]
        off, along = (s * x - c * y) / length, (c * x + s * y) / length
        squares += off.square().mean(0) / FOLLOWED
        spread += torch.atan2(off, along).square().mean(0) / FOLLOWED
    # The mean of cos d over all atoms of a crystal is the length of their resultant.
    return length.mean(0) / n, squares, spread
