"""Distances between distributions as functions of shares: Wasserstein-1, Jensen-Shannon, maximum mean discrepancy.

Each takes [draws, values] shares of the samples over given distinct values and the shares of the reference, so
that one sample and its bootstrap draws go through the same lines.
"""

from __future__ import annotations

import numpy as np


def wasserstein1(
    values: np.ndarray, shares: np.ndarray, reference: np.ndarray, reference_shares: np.ndarray
) -> np.ndarray:
    """Wasserstein-1 distance on the line: the area between the two distribution functions, in the values' unit.

    Args:
        values, reference: distinct values of the samples and of the reference, ascending.
        shares, reference_shares: [draws, values] and [reference values], each summing to 1.
    """
    grid = np.union1d(values, reference)
    own = np.searchsorted(values, grid[:-1], side="right")
    other = np.searchsorted(reference, grid[:-1], side="right")
    cumulative = np.concatenate([np.zeros((len(shares), 1)), np.cumsum(shares, 1)], 1)
    reference_cumulative = np.concatenate([[0.0], np.cumsum(reference_shares)])
    return np.abs(cumulative[:, own] - reference_cumulative[other]) @ np.diff(grid)


def jensen_shannon(shares: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Jensen-Shannon divergence in bits: 0 for equal, 1 for disjoint distributions over the same categories.

    Lin, IEEE Trans. Inf. Theory 37, 145 (1991), logarithm to base 2. It is the divergence; scipy's
    `jensenshannon` is its square root.
    """
    mean = (shares + reference) / 2
    return np.maximum(entropy(mean) - (entropy(shares) + entropy(reference[None])) / 2, 0.0)


def entropy(shares: np.ndarray) -> np.ndarray:
    """Shannon entropy of each row, bits."""
    return -(shares * np.log2(np.where(shares > 0, shares, 1.0))).sum(-1)


class Discrepancy:
    """Maximum mean discrepancy with a Gaussian kernel (Gretton et al., J. Mach. Learn. Res. 13, 723, 2012).

    The kernel is exp(-d^2 / (2 h^2)) and h the median distance of two reference points, zero distances left
    out. The biased estimate, the distance of the two mean embeddings, is used: it is never negative.
    """

    def __init__(self, samples: np.ndarray, reference: np.ndarray) -> None:
        from scipy.spatial.distance import cdist, pdist

        pairs = pdist(reference)
        pairs = pairs[pairs > 0]
        self.bandwidth = float(np.median(pairs)) if len(pairs) else 1.0

        def kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
            return np.exp(-cdist(first, second, "sqeuclidean") / (2 * self.bandwidth**2))

        self.own, self.cross = kernel(samples, samples), kernel(samples, reference).mean(1)
        self.within = kernel(reference, reference)

    def of_samples(self, shares: np.ndarray) -> np.ndarray:
        """MMD of [draws, samples] shares of the samples from the reference."""
        squared = ((shares @ self.own) * shares).sum(1) - 2 * shares @ self.cross + self.within.mean()
        return np.sqrt(np.maximum(squared, 0.0))

    def of_reference(self, shares: np.ndarray) -> np.ndarray:
        """MMD of [draws, reference points] shares of the reference from the reference."""
        gap = shares - 1 / shares.shape[1]
        return np.sqrt(np.maximum(((gap @ self.within) * gap).sum(1), 0.0))
