"""Data sets of the first halves of labels, for adapters and predictors that the second predictors may judge.

    python benchmarks/first_halves.py --data data --out runs/halves

The half is that of the chemical systems from which the predictors `-first` learned and those called `-second` did not
(`nucleate train property --half`). Written are

mp_20           rows of MP-20;
superconductors `alexandria_tc` and `jarvis_supercon`, with Tc and the column `ordered`: `superconductor` from 1 K on,
                else `below-1-K`. Both sources hold ordered crystals only;
below-10        those of them with Tc below 10 K, for the study of extrapolation.

What exists is left as it is.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.data.dataset import Dataset
from nucleate.data.merging import concatenate
from nucleate.data.table import CrystalTable
from nucleate.data.writing import write_dataset
from nucleate.properties.parts import parts_of

LEAST = 1.0
"""Tc in K from which a crystal counts as a superconductor."""
LIMIT = 10.0
"""Tc in K below which the labels of the study of extrapolation lie."""

Tables = dict[str, CrystalTable]


def first_half(table: CrystalTable) -> CrystalTable:
    """The rows whose chemical systems are in the first half, by the rule of the predictors."""
    return table.select(parts_of(table, np.zeros(len(table)), 0.0, "first").training)


def halves(sets: Sequence[Dataset]) -> Tables:
    """The first half of the joined sets, by split."""
    return {split: first_half(concatenate([one.split(split) for one in sets])) for split in ("train", "val")}


def ordered(table: CrystalTable) -> CrystalTable:
    """Rows with their Tc and the column `ordered`."""
    tc = table.numbers(["tc"])[:, 0]
    words = np.where(tc >= LEAST, "superconductor", "below-1-K").astype(object)
    return replace(table, properties={"tc": tc, "ordered": words})


def below(table: CrystalTable) -> CrystalTable:
    """Rows below the limit."""
    return table.select(np.flatnonzero(table.numbers(["tc"])[:, 0] < LIMIT))


def write(
    tables: Tables,
    sets: Sequence[Dataset],
    out: Path,
    note: str = "",
    rows: str = "first half of the chemical systems",
) -> None:
    """One data set, where it is not there yet. rows: which ones of the sets, for its note."""
    if out.exists():
        return
    names = ", ".join(one.path.resolve().name for one in sets)
    info: dict[str, Any] = {
        "source": {"note": f"{rows} of {names}{note}", "files": {}},
        "licence": "; ".join(sorted({one.info["licence"] for one in sets} - {""})),
        "settings": sets[0].info["settings"],
        "rejected": {split: {} for split in tables},
    }
    write_dataset(tables, out, info)


def make(data: Path, out: Path) -> None:
    """All three data sets."""
    mp20 = [Dataset.open(data / "mp_20")]
    write(halves(mp20), mp20, out / "mp_20")
    sets = [Dataset.open(data / name) for name in ("alexandria_tc", "jarvis_supercon")]
    labels = {split: ordered(table) for split, table in halves(sets).items()}
    write(labels, sets, out / "superconductors")
    low = {split: below(table) for split, table in labels.items()}
    write(low, sets, out / "below-10", f", Tc below {LIMIT:g} K")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--out", type=Path, default=Path("runs/halves"))
    asked = parser.parse_args()
    make(asked.data, asked.out)
