"""Whether a data set can be trained on, asked before anything is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nucleate.codecs.lattice import MAX_ATOMS
from nucleate.data.dataset import Dataset
from nucleate.data.table import CrystalTable
from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.errors import DataError
from nucleate.recipes.contract import AnyRecipe


def check_splits(data: Path) -> None:
    """Raise DataError for a data set folder whose training or validation split can't be trained on."""
    dataset = Dataset.open(data)
    for name in ("train", "val"):
        _check_split(dataset.split(name), f"{data}/{name}.parquet")


def check_conditions(data: Path, recipe: AnyRecipe, train: CrystalTable) -> None:
    """Raise DataError where the conditions of a recipe can't be read from a data set, whose training split is given."""
    names = recipe.conditions or ()
    if recipe.described_by(train) is not recipe:
        return
    dataset = Dataset.open(data)
    for name in ("train", "val"):
        table = dataset.split(name)
        for condition in names:
            if np.isnan(table.numbers([condition])).all():
                raise DataError(
                    f"no crystal in {data}/{name}.parquet has a known {condition}", "leave this condition out"
                )


def _check_split(table: CrystalTable, name: str) -> None:
    """Raise DataError for what no model here can be trained on."""
    if not len(table):
        raise DataError(f"{name} holds no crystals", "import the data set with other sources or --split")
    broken = ~np.isfinite(table.lattice).all((1, 2))
    broken |= np.add.reduceat(~np.isfinite(table.frac).all(1), table.offsets[:-1]) > 0
    large = table.sizes > MAX_ATOMS
    strange = (
        np.add.reduceat((table.species < 1) | (table.species > MAX_ATOMIC_NUMBER), table.offsets[:-1]) > 0
    )
    problems = {
        "coordinates or cells that are not finite": broken,
        f"more than {MAX_ATOMS} atoms": large,
        "unknown elements": strange,
    }
    for problem, rows in problems.items():
        if rows.any():
            ids = [table.ids[i] for i in np.flatnonzero(rows)[:5].tolist()]
            message = f"{int(rows.sum())} crystals in {name} have {problem}: {', '.join(ids)}"
            raise DataError(message, "import the data set again: the import leaves such rows out")
