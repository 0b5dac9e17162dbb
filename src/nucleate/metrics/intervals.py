"""95 % intervals: Wilson for rates, bootstrap over rows for means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

import numpy as np

from nucleate import streams

Z95 = 1.959963984540054
RESAMPLES = 2000


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval; all None where nothing could be averaged.

    Attributes:
        n: how many rows it is an average over.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int

    def to_dict(self) -> dict[str, float | int | None]:
        return asdict(self)


def wilson(successes: int, n: int) -> Estimate:
    """A rate with the Wilson score interval (Wilson, J. Am. Stat. Assoc. 22, 209, 1927)."""
    if n == 0:
        return Estimate(None, None, None, 0)
    rate, z2 = successes / n, Z95**2
    centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * sqrt(rate * (1 - rate) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Estimate(rate, max(0.0, min(centre - half, rate)), min(1.0, max(centre + half, rate)), n)


def bootstrap_mean(values: np.ndarray, seed: int) -> Estimate:
    """The mean of one value for each row, with the percentile interval of 2000 resamples of the rows."""
    return _bootstrap(values, seed, np.mean)


def bootstrap_median(values: np.ndarray, seed: int) -> Estimate:
    """As `bootstrap_mean`, of the median, which a few wild values don't move."""
    return _bootstrap(values, seed, np.median)


def _bootstrap(values: np.ndarray, seed: int, statistic: Callable[..., Any]) -> Estimate:
    values = np.asarray(values, dtype=float)
    if not len(values):
        return Estimate(None, None, None, 0)
    rng = streams.RESAMPLES.generator(seed)
    block = max(1, 1_000_000 // len(values))
    means = np.concatenate(
        [
            statistic(
                values[rng.integers(0, len(values), (min(block, RESAMPLES - start), len(values)))], axis=1
            )
            for start in range(0, RESAMPLES, block)
        ]
    )
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(statistic(values)), float(low), float(high), len(values))
