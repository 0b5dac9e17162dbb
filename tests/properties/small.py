"""A small data set with a property that composition and cell decide, and a small predictor of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.data.table import CrystalTable
from nucleate.properties.model import PropertyModel
from nucleate.recipes.property import Property
from nucleate.recipes.registry import get_recipe
from nucleate.runs.devices import Hardware
from nucleate.runs.train import Outcome, train_recipe
from tests.training.tiny import mixed_sizes, random_table, write_dataset

SMALL = (
    "torus_transformer.width=16", "torus_transformer.layers=1", "torus_transformer.heads=2",
    "torus_transformer.pair_width=8", "torus_transformer.frequencies=3", "torus_transformer.time_width=8",
    "training.batch=16", "training.warmup=4", "training.validate_every=10", "training.checkpoint_every=5",
    "calibration=0.3",
)  # fmt: skip


def labelled_table(count: int = 200, seed: int = 0) -> CrystalTable:
    """`hardness`: the share of iron plus the logarithm of the volume an atom; `gap`, known for half of the crystals."""
    table = random_table(mixed_sizes(count, seed), seed)
    volume = np.abs(np.linalg.det(table.lattice)) / table.sizes
    iron = np.array([(table.species[table.atoms_of(row)] == 26).mean() for row in range(count)])
    hardness = 2 * iron + np.log(volume)
    gap = np.where(np.arange(count) % 2 == 0, hardness**2, np.nan)
    return replace(table, properties={"hardness": hardness, "gap": gap, "constant": np.full(count, 2.0),
                                      "lambda_ep": iron + 0.3, "omega_log": 100 + 50 * iron,
                                      "tc": 10 * iron, "none": np.full(count, np.nan)})  # fmt: skip


def write_labelled(folder: Path, count: int = 200) -> Path:
    return write_dataset(folder, train=labelled_table(count), val=labelled_table(40, 1))


def small_recipe(*assignments: str) -> Property:
    recipe = get_recipe("property", [*SMALL, "target=hardness", *assignments])
    assert isinstance(recipe, Property)
    return recipe


def fitted(*assignments: str, count: int = 200) -> PropertyModel:
    """With random weights, also in the last layers, and intervals."""
    import torch

    model = small_recipe(*assignments).build()
    model.fit(labelled_table(count))
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.networks.parameters():
            if not parameter.any():
                parameter.normal_(std=0.3)
    model.eval()
    model.settle()
    return model


def train(data: Path, run: Path, *assignments: str, **options: Any) -> Outcome:
    recipe = small_recipe(*assignments)
    return train_recipe(recipe, data, run, hardware=Hardware(accelerator="cpu"), visible=False, **options)
