"""The folder of a run: taken by one recipe, and resumed with the same one on the same data."""

from __future__ import annotations

import os
from pathlib import Path

from nucleate import settings
from nucleate.data.dataset import Dataset
from nucleate.errors import TrainingError
from nucleate.identity import differing
from nucleate.recipes.contract import AnyRecipe
from nucleate.runs.model_folder import FORMAT, read_recipe
from nucleate.training.progress import Counters

FREE = ("training", "sampler")
"""Settings that a resumed run may change: its length and its sampler, but nothing that shapes the weights."""


def claim_run(run: Path, recipe: AnyRecipe, resume: bool) -> None:
    """Take a run folder by writing recipe.toml, when all else is known to fit.

    Raises TrainingError for a folder that is taken and not to be resumed, holds a run of other settings, or can't be
    written.
    """
    path = run / "recipe.toml"
    if path.exists() and not resume:
        raise TrainingError(
            f"{run} already holds a run", "add --resume to go on with it, or name another --out"
        )
    if path.exists():
        before, now = settings.to_dict(read_recipe(path)), settings.to_dict(recipe)
        changed = [key for key in differing(before, now) if key not in FREE]
        if changed:
            raise TrainingError(
                f"the run in {run} was started with other settings ({', '.join(changed)})",
                "resume with the same recipe and --set, or name another --out",
            )
    scratch = run / "recipe.toml.part"
    try:
        run.mkdir(parents=True, exist_ok=True)
        scratch.write_text(settings.to_toml({"format": FORMAT, **settings.to_dict(recipe)}))
        os.replace(scratch, path)
    except OSError as error:
        raise TrainingError(f"{run} can't be a run folder ({error.strerror})", "name another --out") from None


def check_same_data(counters: Counters, dataset: Dataset, run: Path) -> None:
    """Note the training split of a run. Raises TrainingError for another one than it was started on."""
    checksum = dataset.info["checksums"]["train.parquet"]
    if counters.data not in ("", checksum):
        raise TrainingError(
            f"the run in {run} was started on other data than {dataset.path}",
            "resume with the --data it was started on, or name another --out",
        )
    counters.data = checksum
