"""Intervals of a predictor with coverage for each kind of chemistry, from labelled crystals that it never saw.

A predictor's own intervals (`PropertyModel.settle`) cover all kinds together. Crystals with labels that were neither
trained on nor chosen by, such as a test split, give each kind its own.
"""

from __future__ import annotations

import numpy as np
import torch

from nucleate.data.table import CrystalTable
from nucleate.properties.batches import members_of
from nucleate.properties.chemistry import kinds_of
from nucleate.properties.conformal import ByKind
from nucleate.properties.model import PropertyModel


def calibrate(model: PropertyModel, table: CrystalTable, confidence: float | None = None) -> ByKind:
    """Conformal quantiles by kind, for `predict`; confidence: of the intervals, by default the model's.

    Raises DataError where the table has too few labels.
    """
    truth = table.numbers([model.task.target])[:, 0]
    known = np.flatnonzero(~np.isnan(truth))
    table, truth = table.select(known), truth[known]
    said = members_of(model.members, table, model.error.device)
    errors = np.abs(model.statistics.on_scale(torch.from_numpy(truth)).numpy() - said.mean(1))
    return ByKind.fit(errors / model.reach(said.std(1)), kinds_of(table), confidence or model.task.confidence)
