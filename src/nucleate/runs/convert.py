"""A model folder from a public checkpoint of DiffCSP (arXiv 2309.04475): its weights in the processes of our recipe.

No sign or scale differs. The published target of the coordinates is the derivative of log p with respect to the
mean over its standard deviation, as in `nucleate.processes.wrapped_normal`, and species and lattice predict the noise.
The file does not say what it was trained on: elements and sizes of cells come from a data set that the user names, or
from what ASSUMED says.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import nucleate
from nucleate.data.dataset import Dataset, sha256
from nucleate.data.table import CrystalTable
from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.errors import DataError, ModelError
from nucleate.files import writing
from nucleate.model.crystal_model import CrystalModel
from nucleate.recipes.base import Recipe
from nucleate.recipes.diffcsp import DiffCSP
from nucleate.recipes.registry import get_recipe
from nucleate.runs.card import trained_on
from nucleate.runs.model_folder import save_model
from nucleate.runs.public_checkpoints import diffcsp_weights

LARGEST_CELL = 52
"""Atoms in the largest cell of the public data sets that DiffCSP was trained on (MPTS-52)."""
MP_20_CELLS = (
    65, 585, 549, 4167, 1298, 2310, 583, 2109, 940, 2357, 357, 2545, 557, 1678, 376, 1704, 264, 1399, 278, 2222,
)  # fmt: skip
"""Cells of MP-20's training split with 1 to 20 atoms."""
ASSUMED = (
    f"not known, as no data set was named at the conversion: any of the elements 1 to {MAX_ATOMIC_NUMBER}, "
    f"cells of up to {LARGEST_CELL} atoms (those of MPTS-52), and new crystals with the numbers of atoms of MP-20"
)
NAMED = "named at the conversion; the file itself does not say what it was trained on"


def convert_diffcsp(
    path: Path, out: Path, data: Path | None = None, name: str | None = None
) -> tuple[Recipe, dict[str, Any]]:
    """Write the model folder `out` from a public checkpoint; the recipe and the card that it holds.

    data: the data set folder on whose training split the file was trained. name: of the model on its card, that of
    the folder by default. Raises ModelError for a file that is no DiffCSP (see `diffcsp_weights`) and for an `out` that
    is taken or can't be written, DataError for the data set. The folder is there as a whole or not at all.
    """
    _check_free(out)
    train = None if data is None else _training_split(data)
    weights = diffcsp_weights(path)
    recipe = diffcsp_recipe(weights)
    model = recipe.build()
    model.network.load_state_dict(weights)
    card = {
        "name": name or out.resolve().name,
        "recipe": recipe.name,
        "task": recipe.task,
        **_of_data(train),
        "parameters": sum(p.numel() for p in model.parameters()),
        "converted": {"from": "DiffCSP (arXiv 2309.04475)", "file": path.name, "sha256": sha256(path)},
        "versions": {"nucleate": nucleate.__version__, "torch": torch.__version__},
        "metrics": {},
    }
    _write(out, model, recipe, card)
    return recipe, card


def diffcsp_recipe(weights: dict[str, Tensor]) -> Recipe:
    """`diffcsp-csp`, or `diffcsp-dng` where species are predicted, with a network of the sizes that the weights have.

    weights: as `diffcsp_weights` gives them.
    """
    recipe = get_recipe("diffcsp-dng" if "heads.species.weight" in weights else "diffcsp-csp")
    assert isinstance(recipe, DiffCSP)
    width, joined = weights["join.weight"].shape
    waves = weights["layers.0.edge_1.weight"].shape[1] - 2 * width - 9
    layers = {name.split(".")[1] for name in weights if name.startswith("layers.")}
    network = replace(
        recipe.cspnet, width=width, layers=len(layers), frequencies=waves // 6, time_width=joined - width
    )
    return replace(recipe, cspnet=network)


def _training_split(data: Path) -> tuple[Dataset, CrystalTable]:
    dataset = Dataset.open(data)
    table = dataset.split("train")
    if not len(table):
        raise DataError(f"{data}/train.parquet holds no crystals", "name the data set of the training")
    return dataset, table


def _of_data(train: tuple[Dataset, CrystalTable] | None) -> dict[str, Any]:
    """The card's part on what the model was trained on, which says what it can be asked for."""
    if train is None:
        shares = {str(n): round(count / sum(MP_20_CELLS), 6) for n, count in enumerate(MP_20_CELLS, 1)}
        return {
            "data": {"name": "not known", "crystals": None, "note": ASSUMED},
            "elements": list(range(1, MAX_ATOMIC_NUMBER + 1)),
            "largest_cell": LARGEST_CELL,
            "sizes": shares,
            "formula_units": {},
        }
    known = trained_on(*train)
    return {**known, "data": {**known["data"], "note": NAMED}}


def _check_free(out: Path) -> None:
    if out.is_symlink() and not out.exists():
        raise ModelError(f"{out} is a link that leads nowhere", "name another --out")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ModelError(f"{out} exists already", "name another --out, or remove it first")


def _write(out: Path, model: CrystalModel, recipe: Recipe, card: dict[str, Any]) -> None:
    """The folder under another name beside it, then renamed: whatever happens, there is a whole one or none."""
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as scratch:
            save_model(Path(scratch) / "model", model, recipe, card)
            os.replace(Path(scratch) / "model", out)
