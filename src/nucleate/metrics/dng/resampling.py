"""The scatter of a statistic of a distribution: bootstrap intervals, and the score of a perfect sampler.

A bootstrap sample of a sample lies further from any reference than the sample itself, and has fewer different
members: distances and diversities of resamples are biased by about as much as they scatter. The interval is
therefore the percentile interval of the resamples, moved by the bias: value + (quantile - mean). The reference
is taken as it is. The floor is the same statistic of as many random draws from the reference.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nucleate import streams
from nucleate.metrics.intervals import RESAMPLES, Estimate

Statistic = Callable[[np.ndarray], np.ndarray]
"""From shares of the distinct values, [draws, values], to one number for each draw, [draws]."""

BLOCK = 2_000_000


def draws(
    statistic: Statistic, weights: np.ndarray, n: int, seed: int, resamples: int = RESAMPLES
) -> np.ndarray:
    """The statistic of `resamples` samples of size n from a distribution over distinct values. [resamples]"""
    rng = streams.RESAMPLES.generator(seed)
    block = max(1, BLOCK // len(weights))
    sizes = [min(block, resamples - start) for start in range(0, resamples, block)]
    return np.concatenate([statistic(rng.multinomial(n, weights, size) / n) for size in sizes])


def scatter(
    statistic: Statistic, counts: np.ndarray, seed: int, resamples: int = RESAMPLES, least: float = 0.0
) -> Estimate:
    """The statistic of a sample with its 95 % interval, no lower than `least`."""
    n = int(counts.sum())
    if not n:
        return Estimate(None, None, None, 0)
    weights = counts / n
    value = float(statistic(weights[None])[0])
    found = draws(statistic, weights, n, seed, resamples)
    low, high = np.percentile(found, [2.5, 97.5]) - found.mean() + value
    return Estimate(value, max(least, min(float(low), value)), max(float(high), value), n)


def floor(
    statistic: Statistic, reference: np.ndarray, n: int, seed: int, resamples: int = RESAMPLES
) -> Estimate:
    """Mean and central 95 % of the statistic of n draws from the reference counts."""
    if not n or not reference.sum():
        return Estimate(None, None, None, n)
    found = draws(statistic, reference / reference.sum(), n, seed, resamples)
    low, high = np.percentile(found, [2.5, 97.5])
    return Estimate(float(found.mean()), float(low), float(high), n)
