"""Split-conformal intervals (Lei et al. 2018, arXiv 1604.04173): what a part of the data that no model has seen says of
its errors.

An error counts in units of the spread between the members of the ensemble plus its mean (`PropertyModel.reach`), so
that an interval is wider where the members disagree, and never much narrower than the mean one.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from nucleate.errors import DataError


def needed(confidence: float) -> int:
    """Rows from which a finite interval of this confidence can be made."""
    return math.ceil(round(confidence / (1 - confidence), 9))


def conformal_quantile(scores: Float[np.ndarray, " rows"], confidence: float) -> float:
    """The smallest number that at least ceil((n + 1) confidence) of n scores don't exceed.

    A new score, exchangeable with these, is below it with a probability of at least `confidence`. Raises DataError
    where n is too small for that.
    """
    n = len(scores)
    rank = math.ceil(round((n + 1) * confidence, 9))
    if rank > n:
        raise DataError(
            f"{n} rows for calibration are too few for intervals of {confidence:.0%}",
            f"at least {needed(confidence)} are needed: use more data, or raise 'calibration'",
        )
    return float(np.sort(scores)[rank - 1])
