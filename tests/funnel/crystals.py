"""Small crystals, candidates and a plan for tests of the funnel."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nucleate.cell import Cell
from nucleate.data.extxyz import frame_text
from nucleate.funnel.plan import Plan, parse_plan
from nucleate.funnel.stage import Candidate


def rocksalt(first: int = 11, second: int = 17, length: float = 5.64) -> Cell:
    """Primitive cell of two atoms."""
    lattice = length / 2 * (1 - np.eye(3))
    return Cell(np.array([first, second]), np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]), lattice)


def zincblende(first: int = 11, second: int = 17, length: float = 5.64) -> Cell:
    cell = rocksalt(first, second, length)
    return cell._replace(frac=np.array([[0.0, 0, 0], [0.25, 0.25, 0.25]]))


def caesium_chloride(first: int = 55, second: int = 17, length: float = 4.12) -> Cell:
    return Cell(np.array([first, second]), np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]), length * np.eye(3))


def doubled(cell: Cell) -> Cell:
    """The same crystal in a cell of twice the length."""
    frac = np.concatenate([cell.frac / [2, 1, 1], cell.frac / [2, 1, 1] + [0.5, 0, 0]])
    return Cell(np.tile(cell.species, 2), frac, cell.lattice * [[2], [1], [1]])


def candidates(*cells: Cell, **values: object) -> list[Candidate]:
    return [Candidate(f"given-{i:07d}", "given", cell, dict(values)) for i, cell in enumerate(cells)]  # type: ignore[arg-type]


def write_crystals(path: Path, cells: list[Cell]) -> Path:
    path.write_text(
        "".join(frame_text(one.species, one.frac, one.lattice, {"n": i}) for i, one in enumerate(cells))
    )
    return path


def some_crystals(path: Path, count: int, seed: int = 0) -> Path:
    """A file of crystals of which some are too close, some are charged, and some are the same as others."""
    random, cells = np.random.default_rng(seed), []
    for number in range(count):
        first, second = random.choice([3, 11, 19, 37, 12]), random.choice([9, 17, 35, 53])
        kind = (rocksalt, zincblende)[number % 2]
        cells.append(kind(int(first), int(second), float(random.choice([2.5, 5.6, 6.1]))))
    return write_crystals(path, cells)


def plan_of(folder: Path, *stages: str, source: str = "", workers: int = 1, more: str = "") -> Plan:
    """A plan for the crystals of `folder/given.extxyz` through stages, each the lines of its settings."""
    source = source or f'folder = "{folder / "given.extxyz"}"\nname = "given"'
    text = f"[[generate]]\n{source}\n" + "".join(f"[[stage]]\n{one}\n" for one in stages)
    return parse_plan(f"{text}[work]\nworkers = {workers}\n{more}")
