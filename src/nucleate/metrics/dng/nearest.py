"""Nearest neighbours between two sets of fingerprints, and the standardisation that makes features comparable."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

BLOCK_ROWS = 256


def standardiser(fingerprints: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """To mean 0 and deviation 1 of these [cells, features], constant features and missing values to 0."""
    known = np.isfinite(fingerprints)
    counts = np.maximum(known.sum(0), 1)
    mean = np.where(known, fingerprints, 0.0).sum(0) / counts
    deviation = np.sqrt((np.where(known, fingerprints - mean, 0.0) ** 2).sum(0) / counts)
    # a constant feature carries no information, whatever rounding makes of it
    scale = np.where(deviation > 1e-9 * (1 + np.abs(mean)), deviation, np.inf)
    return on_scale(mean, scale)


def on_scale(mean: np.ndarray, deviation: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Values [cells, features] less their mean, in deviations; missing ones are 0."""
    return lambda values: np.nan_to_num((values - mean) / deviation, nan=0.0)


class Nearest(NamedTuple):
    """Nearest neighbours across the two sides; infinite distances if a side is empty.

    Attributes:
        sample_structure, sample_composition: distance of each sample to the nearest reference crystal. [samples]
        reference_structure, reference_composition: of each reference crystal to the nearest sample. [reference]
        sample_joint, reference_joint: whether one and the same partner is within both cutoffs.
        sample_hit, reference_hit: whether some partner is within each cutoff.
    """

    sample_structure: np.ndarray
    sample_composition: np.ndarray
    reference_structure: np.ndarray
    reference_composition: np.ndarray
    sample_joint: np.ndarray
    reference_joint: np.ndarray
    sample_hit: np.ndarray
    reference_hit: np.ndarray


def nearest(
    samples: tuple[np.ndarray, np.ndarray],
    reference: tuple[np.ndarray, np.ndarray],
    cutoffs: tuple[float, float],
) -> Nearest:
    """Compare (structure, composition) fingerprints of samples and reference, in blocks of rows."""
    from scipy.spatial.distance import cdist

    rows, columns = len(samples[0]), len(reference[0])
    own, other = np.full((2, rows), np.inf), np.full((2, columns), np.inf)
    own_joint, other_joint = np.zeros(rows, bool), np.zeros(columns, bool)
    for start in range(0, rows if columns else 0, BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        within = np.ones((1, 1), bool)
        for kind in (0, 1):
            distance = cdist(samples[kind][block], reference[kind])
            own[kind, block] = distance.min(1)
            other[kind] = np.minimum(other[kind], distance.min(0))
            within = within & (distance <= cutoffs[kind])
        own_joint[block] = within.any(1)
        other_joint |= within.any(0)
    own_hit = (own[0] <= cutoffs[0]) & (own[1] <= cutoffs[1])
    other_hit = (other[0] <= cutoffs[0]) & (other[1] <= cutoffs[1])
    return Nearest(own[0], own[1], other[0], other[1], own_joint, other_joint, own_hit, other_hit)
