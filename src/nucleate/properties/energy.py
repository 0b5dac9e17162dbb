"""Less energy, by a potential: its forces and stress are the gradient that pulls.

With cart = frac L and E a function of atoms and cell (rows of L are the cell vectors), for forces F and a stress S:

    dE/dfrac = -F L^T,    dE/dL at fixed frac = V L^-T S

No gradient is taken with respect to the elements. A potential knows crystals only, so it can help in the last steps;
before them atoms overlap, and a crystal that it can't take isn't pulled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nucleate.arrays import PerCrystal
from nucleate.cell import Cell
from nucleate.crystals import Crystals, wrap
from nucleate.defects import defect
from nucleate.energies.potential import Evaluation, Potential
from nucleate.energies.relax import FAILURES, limits
from nucleate.properties.soft import SoftCrystals

ENERGY = "energy"
"""The property of requests that a potential pulls."""
UNIT = 0.03
"""eV/atom that count as one: about what universal potentials err by (CHGNet, arXiv 2302.14231)."""
MOST_FORCE = 5.0
"""eV/Å; a larger force on an atom is cut to this size."""
MOST_STRAIN = 5.0
"""eV/atom; a larger slope of the energy with strain is cut to this size."""
START = 0.9
"""Time from which a potential pulls where none is given."""


@dataclass(frozen=True, eq=False)
class LessEnergy:
    """Minus the energy per atom in units of UNIT; 0 without a gradient for crystals that the potential can't take.

    Attributes:
        potential: gives energies, forces and stresses.
    """

    potential: Potential

    def __call__(self, soft: SoftCrystals, t: PerCrystal) -> PerCrystal:
        species = soft.species.detach().argmax(-1) * soft.mask
        cells = Crystals(species, wrap(soft.frac.detach()), soft.lattice.detach(), soft.mask).cells()
        # Potentials take their forces by autograd themselves, which is off inside an autograd.Function.
        with torch.enable_grad():
            found = evaluated(cells, self.potential)
        energy = _Energy.apply(soft.frac, soft.lattice, cells, found)
        return -energy / UNIT


class _Energy(torch.autograd.Function):
    """Energies per atom, eV, with the potential's own gradient."""

    @staticmethod
    def forward(
        ctx: Any, frac: Tensor, lattice: Tensor, cells: list[Cell], said: dict[int, Evaluation]
    ) -> Tensor:
        energies = np.zeros(len(cells))
        slopes = np.zeros(tuple(frac.shape)), np.zeros(tuple(lattice.shape))
        for row, found in said.items():
            cell, size = cells[row], len(cells[row].species)
            energies[row] = found.energy / size
            by_frac, by_lattice = slopes_of(cell, found)
            slopes[0][row, :size], slopes[1][row] = by_frac / size, by_lattice / size
        ctx.save_for_backward(*(torch.as_tensor(x).to(frac) for x in slopes))
        return torch.as_tensor(energies).to(frac)

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor, Tensor, None, None]:  # pyright: ignore
        weight = outer[0].reshape(-1, 1, 1)
        by_frac, by_lattice = ctx.saved_tensors
        return weight * by_frac, weight * by_lattice, None, None


def slopes_of(cell: Cell, found: Evaluation) -> tuple[np.ndarray, np.ndarray]:
    """dE/dfrac in eV and dE/dL in eV/Å, with large forces and slopes cut."""
    forces = found.forces * cut(np.linalg.norm(found.forces, axis=1, keepdims=True), MOST_FORCE)
    virial = cell.volume * found.stress
    virial = virial * cut(np.linalg.norm(virial), MOST_STRAIN * len(cell.species))
    return -forces @ cell.lattice.T, np.linalg.solve(cell.lattice.T, virial)


def cut(size: Any, most: float) -> Any:
    """The factor that makes a size at most as large."""
    return np.minimum(1.0, most / np.maximum(size, 1e-12))


def evaluated(cells: Sequence[Cell], potential: Potential) -> dict[int, Evaluation]:
    """What a potential says of the cells that it can take, by their rows."""
    rules = limits(potential)
    rows = [row for row, cell in enumerate(cells) if not defect(cell, rules)]
    try:
        found = potential.evaluate([cells[row] for row in rows]) if rows else []
    except FAILURES:
        found = [_alone(cells[row], potential) for row in rows]
    return {row: one for row, one in zip(rows, found, strict=True) if one is not None and _sound(one)}


def _alone(cell: Cell, potential: Potential) -> Evaluation | None:
    try:
        return potential.evaluate([cell])[0]
    except FAILURES:
        return None


def _sound(found: Evaluation) -> bool:
    return bool(
        np.isfinite(found.energy) and np.isfinite(found.forces).all() and np.isfinite(found.stress).all()
    )
