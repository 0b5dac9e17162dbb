"""Validation loss: the same examples, draws and noise at every visit, so that visits can be compared."""

from __future__ import annotations

import numpy as np
import torch

from nucleate.data.buckets import split_by_edges
from nucleate.data.feed import Examples
from nucleate.data.table import CrystalTable
from nucleate.geometry.noise import Noise
from nucleate.model.trainable import Trainable
from nucleate.streams import VALIDATION, VALIDATION_SEED

VALIDATION_CRYSTALS = 512


def validation_subset(table: CrystalTable | Examples, count: int = VALIDATION_CRYSTALS) -> np.ndarray:
    """Indices of a random subset, the same for every run, sorted by size."""
    chosen = VALIDATION.generator(VALIDATION_SEED).permutation(len(table.sizes))[:count]
    return chosen[np.argsort(table.sizes[chosen], kind="stable")]


@torch.no_grad()
def validation_loss(
    model: Trainable, examples: Examples, indices: np.ndarray, edges: int
) -> dict[str, float]:
    """Mean of each loss over the examples at these indices, with draws that cover their range evenly."""
    drawn = model.drawn_evenly(len(indices))
    rank = {int(index): i for i, index in enumerate(indices)}
    sums: dict[str, float] = {}
    for part in split_by_edges(indices, examples.sizes, edges):
        places, rows = torch.as_tensor(part, device=examples.device), [rank[int(i)] for i in part]
        losses = model(
            **examples.tensors(places, int(examples.sizes[part].max())),
            **{name: values[rows].to(examples.device) for name, values in drawn.items()},
            keys=Noise.of(VALIDATION_SEED, places).keys,
        )
        for name, loss in losses.items():
            sums[name] = sums.get(name, 0.0) + float(loss.double().sum())
    return {name: value / len(indices) for name, value in sums.items()}
