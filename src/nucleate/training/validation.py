"""Validation loss: the same crystals, times and noise at every visit, so that visits can be compared."""

from __future__ import annotations

import numpy as np
import torch

from nucleate.data.buckets import split_by_edges
from nucleate.data.table import CrystalTable
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import EARLIEST_NOISE, CrystalModel
from nucleate.streams import VALIDATION, VALIDATION_SEED, VALIDATION_TIMES_SEED

VALIDATION_CRYSTALS = 512


def validation_subset(table: CrystalTable, count: int = VALIDATION_CRYSTALS) -> np.ndarray:
    """Indices of a random subset, the same for every run, sorted by size."""
    chosen = VALIDATION.generator(VALIDATION_SEED).permutation(len(table))[:count]
    return chosen[np.argsort(table.sizes[chosen], kind="stable")]


@torch.no_grad()
def validation_loss(
    model: CrystalModel, table: CrystalTable, indices: np.ndarray, edges: int, device: torch.device
) -> dict[str, float]:
    """Mean loss of each process over the crystals, at times that cover (0, 1) evenly."""
    strata = VALIDATION.generator(VALIDATION_TIMES_SEED).permutation(len(indices))
    times = 1 - (EARLIEST_NOISE + (1 - EARLIEST_NOISE) * (strata + 0.5) / len(indices))
    rank = {int(index): i for i, index in enumerate(indices)}
    sums: dict[str, float] = {}
    for part in split_by_edges(indices, table.sizes, edges):
        crystals = table.batch(part, conditions=model.conditions).to(device)
        t = torch.tensor(times[[rank[int(i)] for i in part]], dtype=torch.float32, device=device)
        noise = Noise.of(VALIDATION_SEED, torch.as_tensor(part, device=device))
        for name, loss in model.loss(crystals, t, noise).items():
            sums[name] = sums.get(name, 0.0) + float(loss.double().sum())
    return {name: value / len(indices) for name, value in sums.items()}
