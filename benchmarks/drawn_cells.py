"""Crystals that were drawn for known compositions, one for each, beside the true ones: what experiments.py counts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.metrics.csp.jobs import RowJob, judge_row
from nucleate.metrics.intervals import wilson
from nucleate.metrics.matching import Matcher
from nucleate.metrics.usable import USABLE

SECONDS = 30.0
SIZES = {"<=4": (1, 4), "5-8": (5, 8), "9-12": (9, 12), "13-16": (13, 16), "17-20": (17, 20)}
LENGTH, ANGLE, STOL = 0.3, 10.0, 0.5
"""The matcher's tolerances: of lengths (relative), of angles (degrees), of sites."""


def judged(cells: Sequence[Cell | None], references: Sequence[Cell]) -> dict[str, Any]:
    """Match rate with its interval, RMSE, cRMSE, right cells, usable crystals, and match rates by atoms in the cell."""
    rms = [_rms(cell, reference) for cell, reference in zip(cells, references, strict=True)]
    hits = np.array([one is not None for one in rms])
    atoms = np.array([len(reference.species) for reference in references])
    found = [one for one in rms if one is not None]
    return {
        "match_rate": wilson(int(hits.sum()), len(hits)).to_dict(),
        "rmse": float(np.mean(found)) if found else None,
        "crmse": float(np.mean([STOL if one is None else one for one in rms])),
        "right_cells": float(np.mean([_right(a, b) for a, b in zip(cells, references, strict=True)])),
        "usable": float(np.mean([defect(cell, USABLE) is None for cell in cells])),
        "by_atoms": {
            name: {"n": int(here.sum()), "match_rate": float(hits[here].mean()) if here.any() else None}
            for name, (low, high) in SIZES.items()
            for here in [(atoms >= low) & (atoms <= high)]
        },
        "matched": hits.astype(int).tolist(),
    }


def save_cells(path: Path, cells: Sequence[Cell | None]) -> None:
    """All cells in one file, those that are None without atoms."""
    held = [
        Cell(np.zeros(0, int), np.zeros((0, 3)), np.zeros((3, 3))) if one is None else one for one in cells
    ]
    np.savez_compressed(
        path, sizes=[len(one.species) for one in held], species=np.concatenate([one.species for one in held]),
        frac=np.concatenate([one.frac for one in held]), lattice=np.stack([one.lattice for one in held]),
    )  # fmt: skip


def load_cells(path: Path) -> list[Cell | None]:
    with np.load(path) as held:
        ends = np.cumsum(held["sizes"])
        parts = zip(
            np.split(held["species"], ends[:-1]),
            np.split(held["frac"], ends[:-1]),
            held["lattice"],
            strict=True,
        )
        return [Cell(*part) if len(part[0]) else None for part in parts]


def _rms(cell: Cell | None, reference: Cell) -> float | None:
    verdict = judge_row(RowJob(reference, [cell], Matcher(), SECONDS, False)).samples[0]
    return None if verdict.geometry else verdict.rms


def _right(cell: Cell | None, reference: Cell) -> bool:
    """Whether the cell, at the reference's volume, has lengths and angles within the matcher's tolerances."""
    from pymatgen.core import Lattice

    if cell is None or not cell.volume > 0:
        return False
    scaled = Lattice(cell.lattice * (reference.volume / cell.volume) ** (1 / 3))
    return Lattice(reference.lattice).find_mapping(scaled, LENGTH, ANGLE) is not None
