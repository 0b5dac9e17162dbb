"""Batches of cells of nearly equal size, bounded by their padded pairs of atoms."""

from __future__ import annotations

import numpy as np


def split_by_edges(indices: np.ndarray, sizes: np.ndarray, edges: int) -> list[np.ndarray]:
    """Cut crystals, sorted by size, into batches of at most `edges` padded pairs (crystals x atoms^2).

    indices: crystals in order of size. sizes: atoms of every crystal. A cell that is too large alone stands alone.
    """
    batches, start = [], 0
    for stop in range(1, len(indices) + 1):
        last = stop == len(indices)
        if last or (stop + 1 - start) * int(sizes[indices[stop]]) ** 2 > edges:
            batches.append(indices[start:stop])
            start = stop
    return batches
