"""The sites of a crystal: space group and Wyckoff positions by moyo, free parameters by solving f = W u + t."""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np

from nucleate.cell import Cell
from nucleate.errors import StructureError
from nucleate.symmetry.moyo import analysed, moyo
from nucleate.symmetry.orbits import wrapped
from nucleate.symmetry.sites import Sites
from nucleate.symmetry.wyckoff import space_group

FAR = 1e-4
"""Tolerance: fractional coordinates further from a position than this don't lie on it."""


def find_sites(cell: Cell, symprec: float = 0.1) -> Sites:
    """The sites of a crystal in the group's standard setting, with a refined lattice and refined coordinates.

    Args:
        cell: any cell of the crystal.
        symprec: tolerance of the search, Å.

    Raises:
        StructureError: where moyo finds no symmetry operations.
    """
    found = analysed(cell, symprec, setting=moyo().Setting.standard())
    lattice = np.array(found.std_cell.basis)
    inside = np.array(found.prim_std_cell.positions) @ np.linalg.inv(space_group(found.number).to_primitive).T
    sites = []
    for first in sorted(set(found.orbits)):
        atoms = sorted({found.mapping_std_prim[i] for i, of in enumerate(found.orbits) if of == first})
        letter = found.wyckoffs[first]
        free = free_parameters(found.number, letter, inside[atoms])
        sites.append((letter, found.prim_std_cell.numbers[atoms[0]], free))
    letters, species, free = zip(*sites, strict=True)
    return Sites(found.number, letters, species, np.concatenate(free), lattice).sorted()


def free_parameters(number: int, letter: str, places: np.ndarray) -> np.ndarray:
    """Free parameters in [0, 1) of the orbit through given points of the conventional cell. [free parameters]

    Of several solutions for the same orbit, the smallest in lexicographic order.

    Args:
        number: of the space group.
        letter: of the Wyckoff position.
        places: points of the orbit, one for each atom of the primitive cell. [atoms, 3]

    Raises:
        StructureError: where the points don't lie on the position.
    """
    group = space_group(number)
    position = group[letter]
    rows, inverse = _solvable(number, letter)
    every = (places[:, None] + _lattice_points(number)).reshape(-1, 3) - position.shift
    free = wrapped(every[:, rows] @ inverse.T)
    missed = free @ position.linear.T - every
    missed = np.abs(missed - np.round(missed)).max(-1)
    if missed.min() > FAR:
        raise StructureError(
            f"atoms miss Wyckoff position '{letter}' of space group {number} by {missed.min():.2g}"
        )
    return np.array(min(np.round(free[missed < max(FAR / 10, 2 * missed.min())], 12).tolist()))


@lru_cache(maxsize=4096)
def _solvable(number: int, letter: str) -> tuple[list[int], np.ndarray]:
    """Rows of W that determine the free parameters and are unimodular, and their inverse."""
    linear = space_group(number)[letter].linear
    for rows in itertools.combinations(range(3), linear.shape[1]):
        part = linear[list(rows)]
        if part.size == 0 or abs(round(np.linalg.det(part))) == 1:
            return list(rows), np.linalg.inv(part) if part.size else np.zeros((0, 0))
    raise AssertionError(f"position {letter} of group {number} has no unimodular rows")


@lru_cache(maxsize=256)
def _lattice_points(number: int) -> np.ndarray:
    """The points of the primitive lattice in the conventional cell. [points, 3]"""
    group = space_group(number)
    back = np.linalg.inv(group.to_primitive)
    steps = np.array(list(itertools.product(range(-1, 3), repeat=3))) @ back.T
    return np.unique(np.round(wrapped(np.round(steps, 12)), 9), axis=0)
