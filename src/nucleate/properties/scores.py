"""How good predictions of a property are: errors, ranks, coverage of the intervals, and what the top decile holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from nucleate import streams
from nucleate.metrics.intervals import Estimate, wilson

RESAMPLES = 1000
TOP = 0.1

Values = Float[np.ndarray, " rows"]


@dataclass(frozen=True)
class Event:
    """What the tenth of the crystals with the highest predictions holds.

    Attributes:
        name: of the event, such as `>= 10`.
        base: its share among all crystals.
        top: its share among the top tenth.
        enrichment: top / base, None where the event does not occur.
    """

    name: str
    base: float
    top: Estimate
    enrichment: float | None


@dataclass(frozen=True)
class Scores:
    """Of one predictor on one set of crystals.

    Attributes:
        mae, r2, spearman: with 95 % intervals over the crystals.
        coverage: share of the true values inside their intervals; None without intervals.
        width: mean length of an interval, unit of the property.
        events: in the order asked for.
    """

    mae: Estimate
    r2: Estimate
    spearman: Estimate
    coverage: Estimate | None = None
    width: float | None = None
    events: tuple[Event, ...] = field(default_factory=tuple)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        events = [
            {"event": one.name, "base": one.base, "top": one.top.to_dict(), "enrichment": one.enrichment}
            for one in self.events
        ]
        known = {name: getattr(self, name) for name in ("mae", "r2", "spearman", "coverage")}
        return {
            **{name: None if value is None else value.to_dict() for name, value in known.items()},
            "width": self.width,
            "top_decile": events,
        }


def scores(
    truth: Values, predicted: Values, low: Values | None = None, high: Values | None = None,
    at_least: Sequence[float] = (), seed: int = 0,
) -> Scores:  # fmt: skip
    """Scores of predictions against true values.

    Args:
        low, high: ends of the intervals, if there are any.
        at_least: events `>= value`; that of the highest tenth of the true values always comes first.
        seed: of the bootstrap.
    """
    rng = streams.RESAMPLES.generator(seed)
    picks = rng.integers(0, len(truth), (RESAMPLES, len(truth)))
    inside = None if low is None or high is None else (low <= truth) & (truth <= high)
    return Scores(
        _bootstrapped(_mae, truth, predicted, picks),
        _bootstrapped(_r2, truth, predicted, picks),
        _bootstrapped(spearman, truth, predicted, picks),
        None if inside is None else wilson(int(inside.sum()), len(truth)),
        None if low is None or high is None else float((high - low).mean()),
        tuple(_event(truth, predicted, edge) for edge in (None, *at_least)),
    )


def spearman(truth: Values, predicted: Values) -> float:
    """Correlation of the ranks; ties share the mean of theirs. 0 where one of them is constant."""
    one, other = ranks(truth), ranks(predicted)
    one, other = one - one.mean(), other - other.mean()
    norm = np.sqrt((one**2).sum() * (other**2).sum())
    return float(one @ other / norm) if norm > 0 else 0.0


def ranks(values: Values) -> Values:
    """Ranks from 1; ties share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]


def top_decile(predicted: Values) -> np.ndarray:
    """Indices of the highest tenth of the predictions, at least one."""
    return np.argsort(-predicted, kind="stable")[: max(1, int(len(predicted) * TOP))]


def _event(truth: Values, predicted: Values, edge: float | None) -> Event:
    value = float(np.quantile(truth, 1 - TOP)) if edge is None else edge
    happens = truth >= value
    name = f"highest tenth (>= {value:.3g})" if edge is None else f">= {value:g}"
    chosen = happens[top_decile(predicted)]
    base, top = float(happens.mean()), wilson(int(chosen.sum()), len(chosen))
    return Event(name, base, top, None if base == 0 or top.value is None else top.value / base)


def _mae(truth: Values, predicted: Values) -> float:
    return float(np.abs(truth - predicted).mean())


def _r2(truth: Values, predicted: Values) -> float:
    """1 - mean squared error / variance; minus infinity never: 0 where the true values are all the same."""
    variance = ((truth - truth.mean()) ** 2).sum()
    return float(1 - ((truth - predicted) ** 2).sum() / variance) if variance > 0 else 0.0


def _bootstrapped(statistic, truth: Values, predicted: Values, picks: np.ndarray) -> Estimate:
    found = [statistic(truth[rows], predicted[rows]) for rows in picks]
    low, high = np.percentile(found, [2.5, 97.5])
    return Estimate(statistic(truth, predicted), float(low), float(high), len(truth))
