"""Predictions of a property for any crystals: values, intervals, the members' spread, and what is far from the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from nucleate.cell import Cell
from nucleate.codecs.lattice import MAX_ATOMS
from nucleate.data.table import CrystalTable
from nucleate.elements import SYMBOLS
from nucleate.properties.batches import Values, members_of, ridge_of
from nucleate.properties.chemistry import kinds_of
from nucleate.properties.composition import fractions_of
from nucleate.properties.conformal import ByKind
from nucleate.properties.model import PropertyModel


@dataclass(frozen=True, eq=False)
class Predictions:
    """Of one property for some crystals, in its unit.

    Attributes:
        value, low, high: the prediction and the ends of its interval. [crystals]
        spread: standard deviation between the members. [crystals]
        ridge, ridge_low, ridge_high: the same of the composition-only baseline. [crystals]
        distance: from the training crystals; above 1 for the last half per cent of them. [crystals]
        warnings: why a prediction is an extrapolation; "" where it is none.
    """

    value: Values
    low: Values
    high: Values
    spread: Values
    ridge: Values
    ridge_low: Values
    ridge_high: Values
    distance: Values
    warnings: tuple[str, ...]


def predict(model: PropertyModel, table: CrystalTable, intervals: ByKind | None = None) -> Predictions:
    """Predictions for the crystals of a table.

    intervals: by kind of chemistry, from `calibrated.calibrate`; None for the model's own, which cover all together.
    """
    said = members_of(model.members, table, model.error.device)
    mean, spread = said.mean(1), said.std(1)
    s = model.statistics
    ridge = ridge_of(s, table)

    def unit(values: np.ndarray) -> np.ndarray:
        return s.in_unit(torch.from_numpy(values)).numpy()

    baseline = float(model.ridge_quantile)
    distance, warnings = _familiarity(model, table)
    quantile: Any = float(model.quantile)
    if intervals is not None:
        own = [intervals.of(kind) for kind in kinds_of(table)]
        quantile = np.array([one for one, _ in own])
        warnings = tuple("; ".join(filter(None, (a, b))) for a, (_, b) in zip(warnings, own, strict=True))
    reach = quantile * model.reach(spread)
    return Predictions(
        unit(mean), unit(mean - reach), unit(mean + reach), unit(said.reshape(-1)).reshape(said.shape).std(1),
        unit(ridge), unit(ridge - baseline), unit(ridge + baseline), distance, warnings,
    )  # fmt: skip


def bounded(found: Predictions, ends: tuple[float, float]) -> Predictions:
    """Values and intervals no farther than the labels go, with a warning where a value was: a network that is asked
    beyond them says anything."""
    low, high = ends
    beyond = (found.value < low) | (found.value > high)
    warnings = [
        "; ".join([text] * bool(text) + [f"{value:.4g} is beyond all labels"] * bool(out))
        for text, value, out in zip(found.warnings, found.value, beyond, strict=True)
    ]
    kept = {name: getattr(found, name).clip(low, high) for name in ("value", "low", "high")}
    return replace(found, **kept, warnings=tuple(warnings))


def table_of(cells: Sequence[Cell], names: Sequence[str]) -> CrystalTable:
    """Single crystals as a table without properties."""
    sizes = [len(cell.species) for cell in cells]
    return CrystalTable(
        list(names),
        np.concatenate([cell.species for cell in cells]).astype(np.int64),
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        np.concatenate([cell.frac for cell in cells]),
        np.stack([cell.lattice for cell in cells]),
    )


def fits(cell: Cell) -> str:
    """Why no prediction can be made for a crystal; "" where one can."""
    if len(cell.species) > MAX_ATOMS:
        return f"it has {len(cell.species)} atoms, and predictors take up to {MAX_ATOMS}"
    if not (np.isfinite(cell.frac).all() and np.isfinite(cell.lattice).all()):
        return "its coordinates or cell are not finite"
    return "" if abs(np.linalg.det(cell.lattice)) > 1e-6 else "its cell is flat"


@torch.no_grad()
def _familiarity(model: PropertyModel, table: CrystalTable) -> tuple[Values, tuple[str, ...]]:
    s, device = model.statistics, model.error.device
    mixed = fractions_of(table).float().to(device)
    volume = torch.from_numpy(np.abs(np.linalg.det(table.lattice)) / table.sizes).float().to(device)
    distance = s.distance(mixed, volume).double().cpu().numpy()
    warnings = []
    for unseen, far in zip(s.unseen(mixed).cpu(), distance, strict=True):
        symbols = [SYMBOLS[number] for number in unseen.nonzero().flatten().tolist()]
        if symbols:
            warnings.append(f"no training crystal holds {', '.join(symbols)}")
        else:
            warnings.append("composition or volume unlike the training crystals" if far > 1 else "")
    return distance, tuple(warnings)
