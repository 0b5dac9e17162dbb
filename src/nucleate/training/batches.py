"""The order of the data: a pure function of seed and step, so that a resumed run needs no sampler state.

Each epoch is shuffled, cut into windows of WINDOW steps, and each window sorted by size. A step takes slices from all
over its window: it mixes small and large cells, while each forward pass holds cells of nearly equal size.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from nucleate.data.buckets import split_by_edges
from nucleate.streams import ORDER

WINDOW = 16
SLICES = 4


@dataclass(frozen=True)
class StepPlan:
    """Which crystals each step sees: exactly `batch` different ones.

    Attributes:
        sizes: atoms in each crystal of the split. [crystals]
        batch: crystals in a step.
        edges: most padded pairs (crystals x atoms^2) in one forward pass.
        seed: of the order.
        slices: size classes mixed in a step.
    """

    sizes: np.ndarray
    batch: int
    edges: int
    seed: int
    slices: int = SLICES

    @property
    def steps_per_epoch(self) -> int:
        return steps_per_epoch(len(self.sizes), self.batch)

    def step(self, step: int) -> list[np.ndarray]:
        """The micro-batches of one step: indices into the split, each batch padded to its largest cell."""
        epoch, position = divmod(step, self.steps_per_epoch)
        order = _order(self.seed, epoch, len(self.sizes))
        first = position - position % WINDOW
        count = min(WINDOW, self.steps_per_epoch - first)
        window = order[first * self.batch : (first + count) * self.batch]
        window = window[np.argsort(self.sizes[window], kind="stable")]
        batches, start, place = [], 0, position - first
        for width in self._widths():
            part = window[start + place * width : start + (place + 1) * width]
            batches += split_by_edges(part, self.sizes, self.edges)
            start += count * width
        return batches

    def _widths(self) -> list[int]:
        """Crystals that a step takes from each slice; they sum to the batch."""
        whole, rest = divmod(self.batch, self.slices)
        return [width for i in range(self.slices) if (width := whole + (i < rest))]


def steps_per_epoch(crystals: int, batch: int) -> int:
    """Steps of one pass over the data. A remainder smaller than a batch is left out, a different one in every epoch."""
    return max(1, crystals // batch)


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, crystals: int) -> np.ndarray:
    return ORDER.generator(seed, epoch).permutation(crystals)
