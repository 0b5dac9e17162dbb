"""One crystal for the composition of each of some rows of a split, for the match rate while a model trains.

The crystals and the noise are the same at every visit.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from nucleate.cell import Cell
from nucleate.data.buckets import split_by_edges
from nucleate.data.conditions import told
from nucleate.data.table import CrystalTable
from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel
from nucleate.sampling.generator import Generated, Generator
from nucleate.sampling.given import Given
from nucleate.sampling.limits import Limits
from nucleate.sampling.loop import sample
from nucleate.sampling.request import table_requests
from nucleate.sampling.settings import SamplerSettings
from nucleate.streams import VALIDATION_SEED

ANY = Limits(frozenset(range(1, MAX_ATOMIC_NUMBER + 1)), 10**6, {})


def sampled_rows(
    model: CrystalModel, table: CrystalTable, rows: np.ndarray, sampler: SamplerSettings, edges: int
) -> Iterator[Cell]:
    """By a diffusion model: its noise hangs on the numbers of the rows."""
    device = next(model.parameters()).device
    table = told(table, model.described)
    for part in split_by_edges(rows, table.sizes, edges):
        crystals = table.batch(part, conditions=model.columns).to(device)
        noise = Noise.of(VALIDATION_SEED, torch.as_tensor(part, device=device))
        given = Given.composition(crystals.species, crystals.mask)
        made = sample(model, crystals.mask, sampler, noise, given, condition=crystals.condition)
        yield from made.cells()


def answered_rows(generator: Generator, table: CrystalTable, rows: np.ndarray) -> Iterator[Cell | None]:
    """By any generator; None for a row that it could not answer."""
    requests, _ = table_requests(table, 1, ANY, rows)
    found: dict[int | None, Cell] = {}
    for batch in generator.draw(requests, seed=VALIDATION_SEED):
        for one in batch:
            if isinstance(one, Generated):
                found[one.request.crystal] = one.crystal.cells()[0]
    return (found.get(int(row)) for row in rows)
