"""Cells made for one purpose, and real ones from an imported data set."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from nucleate.cell import Cell
from nucleate.elements import ATOMIC_NUMBERS
from tests.metrics.crystals_for_tests import known_crystals, perturbed

DATA = Path(__file__).parents[3] / "data"


def box(symbols: str, frac, length: float = 5.0) -> Cell:
    """Atoms in a cubic box: box("Na Cl", [[0, 0, 0], [0.5, 0.5, 0.5]])."""
    numbers = np.array([ATOMIC_NUMBERS[symbol] for symbol in symbols.split()])
    return Cell(numbers, np.array(frac, dtype=float), length * np.eye(3))


def known_cells() -> list[Cell]:
    return [Cell.of(structure) for structure in known_crystals()]


def distorted_cells(seed: int, copies: int, shift: float = 0.3) -> list[Cell]:
    rng = np.random.default_rng(seed)
    crystals = known_crystals()
    return [Cell.of(perturbed(crystals[i % len(crystals)], rng, shift, 0.05)) for i in range(copies)]


def broken_cells() -> dict[str, Cell | None]:
    """One sample for each reason that nothing can be computed."""
    good = box("Na Cl", [[0, 0, 0], [0.5, 0.5, 0.5]])
    return {
        "unreadable": None,
        "no_atoms": Cell(np.zeros(0, dtype=int), np.zeros((0, 3)), 4 * np.eye(3)),
        "unknown_element": good._replace(species=np.array([0, 17])),
        "not_finite": good._replace(frac=np.full((2, 3), np.nan)),
        "volume_too_small": good._replace(lattice=np.diag([5.0, 5.0, 1e-3])),
    }


@cache
def real_cells(name: str, split: str, count: int) -> list[Cell]:
    """Random crystals of an imported data set; skips the test where it is not there."""
    from nucleate.data.dataset import Dataset

    if not (DATA / name / "dataset.json").is_file():
        pytest.skip(f"the data set {name} is not imported here")
    table = Dataset.open(DATA / name).split(split)
    rows = np.random.default_rng(0).permutation(len(table))[:count]
    return [table.cell(int(row)) for row in rows]
