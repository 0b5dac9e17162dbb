"""Cells and rewards for tests."""

from __future__ import annotations

import numpy as np

from nucleate.cell import Cell


def rocksalt(a: str = "Na", b: str = "Cl", edge: float = 5.64) -> Cell:
    """The primitive cell of rocksalt."""
    from nucleate.elements import ATOMIC_NUMBERS

    species = np.array([ATOMIC_NUMBERS[a], ATOMIC_NUMBERS[b]])
    return Cell(
        species, np.array([[0, 0, 0], [0.5] * 3]), edge / 2 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0.0]])
    )


def simple(symbol: str, edge: float) -> Cell:
    """One atom in a cube."""
    from nucleate.elements import ATOMIC_NUMBERS

    return Cell(np.array([ATOMIC_NUMBERS[symbol]]), np.zeros((1, 3)), edge * np.eye(3))
