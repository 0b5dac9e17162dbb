"""Match rate on some validation crystals while a model trains: predict their compositions, judge the structures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from nucleate.data.buckets import split_by_edges
from nucleate.data.table import CrystalTable
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel
from nucleate.recipes.base import Recipe
from nucleate.sampling.given import Given
from nucleate.sampling.loop import sample
from nucleate.training.validation import VALIDATION_SEED, validation_subset

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
        from nucleate.cell import Cell
        from nucleate.metrics.csp.evaluate import match_rate
        from nucleate.metrics.csp.predictions import reference_cell

        cells = [Cell(*arrays) for arrays in _predict(model, recipe, val, rows)]
        found = match_rate(cells, [reference_cell(val, int(row)) for row in rows])
        return {"val/match_rate": found.match_rate} | ({} if found.rmse is None else {"val/rmse": found.rmse})

    return judge


def _predict(model: CrystalModel, recipe: Recipe, table: CrystalTable, rows: np.ndarray):
    """Atomic numbers, fractional coordinates and cell (Å) predicted for each row."""
    device = next(model.parameters()).device
    for part in split_by_edges(rows, table.sizes, recipe.training.edges):
        crystals = table.batch(part).to(device)
        noise = Noise.of(VALIDATION_SEED, torch.as_tensor(part, device=device))
        given = Given.composition(crystals.species, crystals.mask)
        made = sample(model, crystals.mask, recipe.sampler, noise, given).to("cpu")
        for i, size in enumerate(made.sizes.tolist()):
            yield (
                made.species[i, :size].numpy(),
                made.frac[i, :size].double().numpy(),
                made.lattice[i].double().numpy(),
            )
