"""Split-conformal intervals (Lei et al. 2018, arXiv 1604.04173): what a part of the data that no model has seen says of
its errors.

An error counts in units of the spread between the members of the ensemble plus its mean (`PropertyModel.reach`), so
that an interval is wider where the members disagree, and never much narrower than the mean one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from nucleate.errors import DataError

LEAST_OF_A_KIND = 30
"""Crystals for calibration from which a kind of chemistry has intervals of its own."""


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


@dataclass(frozen=True)
class ByKind:
    """Quantiles by kind of chemistry (Mondrian conformal prediction, Vovk et al. 2005): each kind has the coverage.

    Attributes:
        confidence: of the intervals.
        quantiles: of the kinds with enough rows.
        rows: for calibration, by kind.
        overall: quantile of all rows together.
    """

    confidence: float
    quantiles: Mapping[str, float]
    rows: Mapping[str, int]
    overall: float

    @classmethod
    def fit(
        cls,
        scores: Float[np.ndarray, " rows"],
        kinds: Sequence[str],
        confidence: float,
        least: int = LEAST_OF_A_KIND,
    ) -> ByKind:
        """From scores of crystals that no model has seen; least: rows from which a kind has a quantile of its own.

        Raises DataError where there are too few rows for any.
        """
        counts = Counter(kinds)
        enough = max(least, needed(confidence))
        kind_of_row = np.array(kinds)
        own = {
            kind: conformal_quantile(scores[kind_of_row == kind], confidence)
            for kind, count in sorted(counts.items())
            if count >= enough
        }
        return cls(confidence, own, dict(sorted(counts.items())), conformal_quantile(scores, confidence))

    def of(self, kind: str) -> tuple[float, str]:
        """The quantile of a kind; where it has none of its own, the largest of all, and a warning."""
        if kind in self.quantiles:
            return self.quantiles[kind], ""
        rows = self.rows.get(kind, 0)
        widest = max(self.overall, *self.quantiles.values()) if self.quantiles else self.overall
        return widest, f"{rows} crystals for calibration are {kind}s: no coverage is promised"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> ByKind:
        """Inverse of `to_dict`. Raises DataError for anything else."""
        try:
            return cls(**fields)
        except TypeError as error:
            raise DataError(f"these are no conformal quantiles ({error})", "calibrate again") from None
