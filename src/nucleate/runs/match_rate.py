"""Match rate on some validation crystals while a model trains: predict their compositions, judge the structures."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch

from nucleate.cell import Cell
from nucleate.data.buckets import split_by_edges
from nucleate.data.table import CrystalTable
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel
from nucleate.recipes.base import Recipe
from nucleate.sampling.given import Given
from nucleate.sampling.loop import sample
from nucleate.streams import VALIDATION_SEED
from nucleate.training.validation import validation_subset

Judge = Callable[[CrystalModel], dict[str, float]]


def match_rate_judge(recipe: Recipe, val: CrystalTable) -> Judge | None:
    """A judge that predicts `training.match_crystals` crystals with the recipe's sampler, or None without pymatgen.

    It returns val/match_rate (one sample, `geometry` protocol) and, if anything matched, val/rmse. The crystals and
    the noise are the same at every visit.
    """
    try:
        import pymatgen.core  # noqa: F401
        import scipy  # noqa: F401
    except ImportError:
        return None
    rows = validation_subset(val, recipe.training.match_crystals)

    def judge(model: CrystalModel) -> dict[str, float]:
        from nucleate.metrics.csp.evaluate import match_rate

        found = match_rate(list(_predict(model, recipe, val, rows)), [val.cell(int(row)) for row in rows])
        return {"val/match_rate": found.match_rate} | ({} if found.rmse is None else {"val/rmse": found.rmse})

    return judge


def _predict(model: CrystalModel, recipe: Recipe, table: CrystalTable, rows: np.ndarray) -> Iterator[Cell]:
    """The crystal predicted for each row."""
    device = next(model.parameters()).device
    for part in split_by_edges(rows, table.sizes, recipe.training.edges):
        crystals = table.batch(part, conditions=model.conditions).to(device)
        noise = Noise.of(VALIDATION_SEED, torch.as_tensor(part, device=device))
        given = Given.composition(crystals.species, crystals.mask)
        made = sample(model, crystals.mask, recipe.sampler, noise, given, condition=crystals.condition)
        yield from made.cells()
