"""What an ensemble and its ridge say of all crystals of a table, on the target's scale, batch by batch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from nucleate.data.buckets import split_by_edges
from nucleate.data.table import CrystalTable
from nucleate.properties.composition import fractions_of
from nucleate.properties.soft import SoftCrystals
from nucleate.properties.statistics import Statistics

EDGES = 32768
"""Padded pairs of atoms in a batch."""

Values = Float[np.ndarray, " crystals"]


@torch.no_grad()
def members_of(
    ask: Callable[[SoftCrystals, Tensor], Tensor], table: CrystalTable, device: torch.device
) -> Float[np.ndarray, "crystals members"]:
    """What each member says of clean crystals. ask: crystals and times to [crystals, members]."""
    order, parts = np.argsort(table.sizes, kind="stable"), []
    for rows in split_by_edges(order, table.sizes, EDGES):
        crystals = table.batch(rows).to(device)
        parts.append(
            ask(SoftCrystals.of(crystals), torch.ones(len(rows), device=device)).double().cpu().numpy()
        )
    found = np.concatenate(parts)
    return found[np.argsort(order)]


@torch.no_grad()
def ridge_of(statistics: Statistics, table: CrystalTable) -> Values:
    """The ridge's predictions."""
    mixed = fractions_of(table).float().to(statistics.slope.device)
    return statistics.ridge(mixed)[:, 0].double().cpu().numpy()
