"""A simple cell and simple coordinates for drawn sites: a start for relaxation, where no symmetric diffusion is used.

The volume comes from the elements, the shape from the group's free metric around a cube, the free parameters are
uniform; of several tries the one with the largest shortest distance is kept.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nucleate.cell import Cell
from nucleate.symmetry.orbits import operations
from nucleate.symmetry.sites import Sites
from nucleate.symmetry.template import averaged_lattice

TRIES = 40
STRETCH = 0.25
"""Standard deviation of the logarithms of the three lengths, before the group's symmetry is imposed."""
SHEAR = 0.15
"""Standard deviation of the fraction of each vector added to each other one."""


def place(sites: Sites, volume: float, generator: np.random.Generator, tries: int = TRIES) -> Sites:
    """The same sites with drawn free parameters and a drawn conventional cell that has the symmetry.

    Args:
        sites: their free parameters and cell are replaced.
        volume: of the primitive cell, Å^3.
        generator: of the random numbers.
        tries: draws; the one with the largest shortest distance is kept.
    """
    drawn = [_draw(sites, volume, generator) for _ in range(tries)]
    return max(drawn, key=lambda one: shortest_distance(one.to_cell()))


def _draw(sites: Sites, volume: float, generator: np.random.Generator) -> Sites:
    rotations = operations(sites.number, primitive=False)[0]
    rough = np.diag(np.exp(STRETCH * generator.standard_normal(3)))
    rough = rough @ (np.eye(3) + SHEAR * generator.standard_normal((3, 3)))
    lattice = averaged_lattice(rough, rotations)
    if np.linalg.det(lattice) < 0:
        lattice = -lattice
    scale = (volume * sites.group.lattice_points / np.linalg.det(lattice)) ** (1 / 3)
    return replace(sites, free=generator.random(sites.freedom), lattice=scale * lattice)


def shortest_distance(cell: Cell) -> float:
    """Shortest distance between any two atoms, images in the 27 cells around included, Å."""
    steps = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), -1).reshape(-1, 3)
    gap = cell.frac[:, None] - cell.frac
    gap -= np.round(gap)
    apart = np.linalg.norm((gap[:, :, None] + steps) @ cell.lattice, axis=-1)
    apart[np.arange(len(gap)), np.arange(len(gap)), (steps == 0).all(1).argmax()] = np.inf
    return float(apart.min())
