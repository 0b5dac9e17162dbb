"""Match rate on some validation crystals while a model trains: predict their compositions, judge the structures."""

from __future__ import annotations

from collections.abc import Callable

from nucleate.data.table import CrystalTable
from nucleate.model.trainable import Trainable
from nucleate.recipes.contract import AnyRecipe
from nucleate.training.validation import validation_subset

Judge = Callable[[Trainable], dict[str, float]]


def match_rate_judge(recipe: AnyRecipe, val: CrystalTable) -> Judge | None:
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

    def judge(model: Trainable) -> dict[str, float]:
        from nucleate.metrics.csp.evaluate import match_rate

        predicted = list(recipe.predicted(model, val, rows))
        found = match_rate(predicted, [val.cell(int(row)) for row in rows])
        return {"val/match_rate": found.match_rate} | ({} if found.rmse is None else {"val/rmse": found.rmse})

    return judge
