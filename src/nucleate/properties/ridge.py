"""Ridge regression in closed form; the strength of the penalty by leave-one-out errors.

With the singular values s of the standardised columns, leave-one-out residuals are those of the fit divided by 1 - h,
h = sum U^2 s^2 / (s^2 + alpha) + 1/n (Golub, Heath and Wahba 1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from nucleate.errors import DataError

ALPHAS = tuple(float(10.0**power) for power in range(-2, 6))


@dataclass(frozen=True, eq=False)
class Ridge:
    """A linear function of columns that were standardised.

    Attributes:
        loc, scale: of each column. [columns]
        weights: of the standardised columns. [columns]
        bias: the mean of what was fitted.
        alpha: the penalty.
    """

    loc: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    bias: float
    alpha: float

    def __call__(self, x: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, " rows"]:
        return ((x - self.loc) / self.scale) @ self.weights + self.bias

    def slope(self) -> tuple[Float[np.ndarray, " columns"], float]:
        """Weights and bias of the columns as they are."""
        weights = self.weights / self.scale
        return weights, self.bias - float(self.loc @ weights)


def fit_ridge(
    x: Float[np.ndarray, "rows columns"], y: Float[np.ndarray, " rows"], alphas: Sequence[float] = ALPHAS
) -> Ridge:
    """The ridge with the least leave-one-out error among these penalties.

    Raises DataError for fewer than three rows, and for values that are all the same.
    """
    if len(y) < 3 or np.ptp(y) == 0:
        found = f"{len(y)} rows" if len(y) < 3 else f"{len(y)} rows with the same value, {y[0]:g}"
        raise DataError(
            f"nothing can be learned from {found}", "give a property that varies, with more labels"
        )
    loc, scale = x.mean(0), x.std(0)
    # A column that never changes says nothing.
    scale = np.where(scale > 1e-8, scale, np.inf)
    left, singular, right = np.linalg.svd((x - loc) / scale, full_matrices=False)
    centred = y - y.mean()
    turned, squares = left.T @ centred, singular**2

    def error(alpha: float) -> float:
        kept = squares / (squares + alpha)
        leverage = (left**2 * kept).sum(1) + 1 / len(y)
        return float(np.mean(((centred - left @ (kept * turned)) / (1 - leverage).clip(min=1e-6)) ** 2))

    alpha = min(alphas, key=error)
    weights = right.T @ (singular / (squares + alpha) * turned)
    return Ridge(loc, scale, weights, float(y.mean()), alpha)
