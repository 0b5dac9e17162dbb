"""Which crystals of a training split are trained on, kept for calibration, or held out.

All by hashes of names and chemical systems, so that the same crystals fall into the same part in every run and for
every target.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nucleate.data.table import CrystalTable
from nucleate.properties.composition import system_of

Half = Literal["both", "first", "second"]
SplitBy = Literal["none", "random", "chemical-system", "range"]


@dataclass(frozen=True, eq=False)
class Parts:
    """Rows of a training split.

    Attributes:
        training, calibration, held_out: indices, each in the order of the split.
    """

    training: np.ndarray
    calibration: np.ndarray
    held_out: np.ndarray


def parts_of(
    table: CrystalTable, labels: np.ndarray, calibration: float, half: Half = "both",
    split_by: SplitBy = "none", held_out: float = 0.1,
) -> Parts:  # fmt: skip
    """The parts of a split.

    Args:
        table: the training split.
        labels: of the target, NaN where unknown; rows without a label are in no part. [crystals]
        calibration: share of the crystals in the half kept for calibration.
        half: which half of the chemical systems is used; `held_out` is the same for both.
        split_by: what decides which crystals are held out: chance, whole chemical systems, or the highest labels.
        held_out: share held out.
    """
    known = ~np.isnan(labels)
    systems = [system_of(table, row) for row in range(len(table))]
    aside = np.zeros(len(table), dtype=bool)
    if split_by == "range" and known.any():
        aside = known & (labels > np.nanquantile(labels, 1 - held_out))
    elif split_by in ("random", "chemical-system"):
        names = table.ids if split_by == "random" else systems
        aside = known & (_chances(names, "held out") < held_out)
    mine = known & ~aside
    if half != "both":
        mine &= (_chances(systems, "half") < 0.5) == (half == "first")
    kept = mine & (_chances(table.ids, "calibration") < calibration)
    return Parts(np.flatnonzero(mine & ~kept), np.flatnonzero(kept), np.flatnonzero(aside))


def _chances(names: list[str], use: str) -> np.ndarray:
    """A number in [0, 1) for each name, uniform and independent between uses."""
    found = [hashlib.sha256(f"{use}:{name}".encode()).digest()[:8] for name in names]
    return np.array([int.from_bytes(one) / 2**64 for one in found])
