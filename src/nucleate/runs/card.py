"""card.json: what users of a model must know, and the limits that `predict` enforces."""

from __future__ import annotations

import platform
from collections import Counter, defaultdict
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
import torch

import nucleate
from nucleate.data.conditions import labels
from nucleate.data.dataset import Dataset
from nucleate.data.table import CrystalTable
from nucleate.model.trainable import Trainable
from nucleate.recipes.contract import AnyRecipe


def make_card(
    recipe: AnyRecipe,
    dataset: Dataset,
    train: CrystalTable,
    model: Trainable,
    devices: int,
    device: torch.device,
) -> dict[str, Any]:
    """The card without `training` and `metrics`, which every export adds."""
    return {
        "recipe": recipe.name,
        "task": recipe.task,
        **trained_on(dataset, train),
        **_labels(recipe, train),
        **model.facts(),
        "parameters": sum(p.numel() for p in model.parameters()),
        "versions": {
            "nucleate": nucleate.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "hardware": {
            "device": device_name(device),
            "devices": devices,
            "cuda": device.type == "cuda",
            "threads": torch.get_num_threads(),
        },
    }


def trained_on(dataset: Dataset, train: CrystalTable) -> dict[str, Any]:
    """The entries on the training split, which state what the model can be asked for."""
    return {
        "data": {
            "name": dataset.path.resolve().name,
            "crystals": len(train),
            "checksums": dataset.info["checksums"],
            "source": dataset.info.get("source"),
            "licence": dataset.info.get("licence"),
        },
        "elements": sorted({int(z) for z in train.species}),
        "largest_cell": int(train.sizes.max()),
        "sizes": sizes(train),
        "volumes": volumes(train),
        "formula_units": formula_units(train),
    }


def _labels(recipe: AnyRecipe, train: CrystalTable) -> dict[str, Any]:
    """How the labels of each condition are spread, where the model has conditions that were described."""
    if recipe.described is None:
        return {}
    return {"conditions": {name: labels(train, name, one) for name, one in recipe.described.each}}


def sizes(table: CrystalTable) -> dict[str, float]:
    """Share of the crystals for each number of atoms in the cell."""
    numbers, counts = np.unique(table.sizes, return_counts=True)
    return {str(n): round(int(c) / len(table), 6) for n, c in zip(numbers.tolist(), counts, strict=True)}


def volumes(table: CrystalTable) -> list[float]:
    """Percentiles, from 0 to 100, of the volume for each atom, Å^3."""
    each = np.abs(np.linalg.det(table.lattice)) / table.sizes
    return np.quantile(each, np.linspace(0, 1, 101)).round(3).tolist()


def formula_units(table: CrystalTable) -> dict[str, dict[str, float]]:
    """How often a formula unit of so many atoms stands so many times in a cell: atoms -> units -> share."""
    counts: dict[int, Counter[int]] = defaultdict(Counter)
    for row in range(len(table)):
        numbers = np.unique(table.species[table.atoms_of(row)], return_counts=True)[1].tolist()
        units = gcd(*numbers)
        counts[sum(numbers) // units][units] += 1
    return {
        str(atoms): {str(units): round(n / sum(found.values()), 4) for units, n in sorted(found.items())}
        for atoms, found in sorted(counts.items())
    }


def device_name(device: torch.device) -> str:
    """Name of the processor or GPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
