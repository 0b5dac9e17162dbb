"""A predictor judged on labelled crystals, always beside the composition-only ridge that it was trained above."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nucleate.data.dataset import Dataset
from nucleate.data.table import CrystalTable
from nucleate.discovery.candidates import formula_of
from nucleate.errors import DataError
from nucleate.metrics.intervals import wilson
from nucleate.properties.chemistry import KINDS, kinds_of
from nucleate.properties.model import PropertyModel
from nucleate.properties.predict import Predictions, predict
from nucleate.properties.scores import scores, spearman
from nucleate.records.reports import Report

HELD_OUT = "held-out"
"""In place of a split's name: what training held out of the training split (`split_by`)."""


@dataclass(frozen=True, eq=False)
class PropertyReport:
    """The result of an evaluation.

    Attributes:
        numbers: for people and programs; `model` and `ridge` hold their scores.
        rows: one for each crystal.
    """

    numbers: dict[str, Any]
    rows: list[dict[str, Any]]


def labelled(model: PropertyModel, dataset: Dataset, split: str) -> CrystalTable:
    """The crystals of a split with a known target. Raises DataError where there are none."""
    target = model.task.target
    table = dataset.split("train" if split == HELD_OUT else split)
    values = table.numbers([target])[:, 0]
    rows = np.flatnonzero(~np.isnan(values))
    if split == HELD_OUT:
        if model.task.split_by == "none":
            raise DataError(
                "this model was trained without holding anything out",
                "train with --split-by chemical-system, range or random, or name a split",
            )
        rows = model.task.parts(table).held_out
    if not len(rows):
        raise DataError(
            f"no crystal of {dataset.path.name}/{split} has a known {target}",
            "name another split or data set",
        )
    return table.select(rows)


def evaluate(
    model: PropertyModel,
    table: CrystalTable,
    source: dict[str, Any],
    at_least: Sequence[float] = (),
    seed: int = 0,
) -> PropertyReport:
    """Judge a model on the labelled crystals of a table.

    Args:
        source: where model and crystals come from, for the report.
        at_least: events `target >= value` of which the top decile's enrichment is given.
        seed: of the bootstrap intervals.
    """
    task = model.task
    truth, found = table.numbers([task.target])[:, 0], predict(model, table)
    own = scores(truth, found.value, found.low, found.high, at_least, seed)
    ridge = scores(truth, found.ridge, found.ridge_low, found.ridge_high, at_least, seed)
    far = np.array([bool(text) for text in found.warnings])
    numbers = {
        **source, "target": task.target, "through": task.through, "crystals": len(table),
        "confidence": task.confidence, "seed": seed,
        "model": own.to_dict() | {"spread_and_error": spearman(found.spread, np.abs(truth - found.value))},
        "ridge": ridge.to_dict(),
        "by_kind": _by_kind(table, truth, found),
        "far": {"crystals": int(far.sum()), "mae": _mae(truth, found, far), "mae_of_others": _mae(truth, found, ~far)},
    }  # fmt: skip
    return PropertyReport(numbers, _rows(table, truth, found))


def _by_kind(table: CrystalTable, truth: np.ndarray, found: Predictions) -> dict[str, Any]:
    """What the intervals cover and the mean absolute error, for each kind of chemistry that occurs."""
    kinds = np.array(kinds_of(table))
    inside = (found.low <= truth) & (truth <= found.high)
    return {
        kind: {
            "crystals": int((kinds == kind).sum()),
            "coverage": wilson(int(inside[kinds == kind].sum()), int((kinds == kind).sum())).to_dict(),
            "mae": _mae(truth, found, kinds == kind),
        }
        for kind in KINDS
        if (kinds == kind).any()
    }


def _mae(truth: np.ndarray, found: Predictions, chosen: np.ndarray) -> float | None:
    return float(np.abs(truth - found.value)[chosen].mean()) if chosen.any() else None


def _rows(table: CrystalTable, truth: np.ndarray, found: Predictions) -> list[dict[str, Any]]:
    names = ("value", "low", "high", "spread", "ridge", "distance")
    return [
        {
            "name": table.ids[row],
            "formula": formula_of(table.cell(row)),
            "truth": float(truth[row]),
            **{name: float(getattr(found, name)[row]) for name in names},
            "warning": found.warnings[row],
        }
        for row in range(len(table))
    ]


KIND = "property"


def to_record(report: PropertyReport) -> Report:
    """As a report file: the numbers, and the rows as its record."""
    return Report(KIND, report.numbers, {"rows": report.rows})


def from_record(report: Report) -> PropertyReport:
    """Inverse of `to_record`."""
    return PropertyReport(report.numbers, list(report.record["rows"]))
