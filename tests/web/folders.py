"""Small folders as nucleate writes them, for the page to show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.data.columns import make_tables
from nucleate.data.extxyz import frame_text
from nucleate.data.writing import write_dataset

ROCKSALT = ((11, 17), (12, 8), (19, 9), (3, 35), (20, 16), (38, 34), (28, 8), (25, 16))
FCC = np.array([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])


def rocksalt(cation: int, anion: int, edge: float = 5.0) -> Cell:
    """The primitive cell of rock salt. edge: of the conventional cell, Å."""
    return Cell(np.array([cation, anion]), np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]), FCC * edge)


def perovskite(a: int = 38, b: int = 22, x: int = 8, edge: float = 3.9) -> Cell:
    places = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]], dtype=float)
    return Cell(np.array([a, b, x, x, x]), places, np.eye(3) * edge)


def data_set(folder: Path) -> Path:
    """Eight rock salts and a perovskite, with a band gap that one of them lacks and a name."""
    rows: list[Any] = [
        (f"salt-{n}", rocksalt(*pair, edge=4.0 + 0.2 * n), {"band_gap": float(n), "source": f"book {n % 2}"})
        for n, pair in enumerate(ROCKSALT)
    ]
    rows.append(("perovskite", perovskite(), {"source": "book <b>2</b>"}))
    write_dataset(make_tables({"train": rows[:6], "val": rows[6:]}), folder, {"source": {}, "licence": ""})
    return folder


def answers(folder: Path) -> Path:
    """Two answers to a formula, one of them relaxed, and a frame whose numbers can't be read."""
    folder.mkdir(parents=True, exist_ok=True)
    said = {
        "formula": "ZnSe",
        "cell": "ZnSe",
        "seed": 0,
        "nfe": 20,
        "model": "answers",
        "proposed_by": "prototypes:2",
    }
    frames = [
        {"sample": 1, "key": "b", "probability": 0.1, "prototype": "AB_cF8_225_a_b", "source": "mp_20:mp-2", **said},
        {"sample": 0, "key": "a", "probability": 0.8, "prototype": "AB_cF8_216_a_c", "source": "mp_20:mp-1",
         "energy_per_atom": -3.3, "above_lowest": 0.0, **said},
    ]  # fmt: skip
    cells = [rocksalt(30, 34, 5.4), Cell(np.array([30, 34]), np.array([[0, 0, 0], [0.25] * 3]), FCC * 5.7)]
    text = "".join(frame_text(*cell, info) for cell, info in zip(cells, frames, strict=True))
    broken = '1\nLattice="3 0 0 0 3 0 0 0 3" Properties=species:S:1:pos:R:3 sample=2 formula=ZnSe key=c\nZn a b c\n'
    (folder / "predictions.extxyz").write_text(text + broken)
    (folder / "job.json").write_text("{}")
    return folder


def house(folder: Path) -> Path:
    """A folder with all of them."""
    data_set(folder / "salts")
    answers(folder / "answers")
    return folder
