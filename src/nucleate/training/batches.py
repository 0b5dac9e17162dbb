"""The order of the data: a pure function of seed and step, so that a resumed run needs no sampler state.

Each epoch is shuffled, cut into windows of WINDOW steps, and each window sorted by size. A step takes slices from all
over its window, so that it mixes small and large cells while each forward pass holds cells of nearly equal size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WINDOW = 16
SLICES = 4


@dataclass(frozen=True)
class StepPlan:
    """Which crystals each step sees.

    Attributes:
        sizes: atoms in each crystal of the split. [crystals]
        batch: crystals in a step. edges: most padded pairs (crystals x atoms^2) in one forward pass.
        seed: of the order. slices: size classes mixed in a step.
    """

    sizes: np.ndarray
    batch: int
    edges: int
    seed: int
    slices: int = SLICES

    @property
    def steps_per_epoch(self) -> int:
        return max(1, len(self.sizes) // self.batch)

    def step(self, step: int) -> list[np.ndarray]:
        """The micro-batches of one step: indices into the split, each batch padded to its largest cell."""
        epoch, position = divmod(step, self.steps_per_epoch)
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.sizes))
        first = position - position % WINDOW
        count = min(WINDOW, self.steps_per_epoch - first)
        window = order[first * self.batch : (first + count) * self.batch]
        window = window[np.argsort(self.sizes[window], kind="stable")]
        parts = np.array_split(window, self.slices)
        chosen = [np.array_split(part, count)[(position - first) % count] for part in parts]
        return [piece for part in chosen for piece in split_by_edges(part, self.sizes, self.edges)]


def split_by_edges(indices: np.ndarray, sizes: np.ndarray, edges: int) -> list[np.ndarray]:
    """Cut crystals, sorted by size, into batches of at most `edges` padded pairs; a large cell stands alone."""
    batches, start = [], 0
    for stop in range(1, len(indices) + 1):
        last = stop == len(indices)
        if last or (stop + 1 - start) * int(sizes[indices[stop]]) ** 2 > edges:
            batches.append(indices[start:stop])
            start = stop
    return batches
