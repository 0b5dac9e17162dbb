"""What a predictor is asked to learn, and from which crystals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from nucleate.data.table import CrystalTable
from nucleate.properties.labels import Scale
from nucleate.properties.parts import Half, Parts, SplitBy, parts_of

Through = Literal["direct", "allen-dynes"]
COUPLING = ("lambda_ep", "omega_log")
"""Columns from which the formula of Allen and Dynes makes the critical temperature."""


@dataclass(frozen=True)
class PropertyTask:
    """What is learned.

    Attributes:
        target: the column of the data set that is predicted.
        through: learn it directly, or lambda and omega_log, from which Tc follows.
        scale: on which the target is learned; None lets its labels decide.
        confidence: of the intervals.
        calibration: share of the crystals kept for the intervals.
        half: which half of the chemical systems the labels come from.
        split_by, held_out: what is held out of the training split for tests (`parts.parts_of`).
        clean: share of the training crystals without noise.
        left_out: share of the crystals that each member does not see.
    """

    target: str
    through: Through = "direct"
    scale: Scale | None = None
    confidence: float = 0.9
    calibration: float = 0.1
    half: Half = "both"
    split_by: SplitBy = "none"
    held_out: float = 0.1
    clean: float = 0.6
    left_out: float = 0.2

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the network gives."""
        return (self.target,) if self.through == "direct" else COUPLING

    def parts(self, table: CrystalTable) -> Parts:
        """Which rows of a training split are used for what; those that lack a label for nothing."""
        labels = self.labels(table)
        known = np.where(np.isnan(labels).any(1), np.nan, labels[:, 0])
        return parts_of(table, known, self.calibration, self.half, self.split_by, self.held_out)

    def labels(self, table: CrystalTable) -> np.ndarray:
        """The target, then the columns, of each crystal, NaN where unknown. [crystals, 1 + columns]"""
        return table.numbers([self.target, *self.columns])
