"""How the labels of a condition are spread, as a card holds it: what a target is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nucleate.data.conditions import LEVELS
from nucleate.errors import ModelError


@dataclass(frozen=True)
class Labels:
    """The labels of one condition in a training split.

    Attributes:
        kind: `number`, `category` or `elements`.
        known: how many rows have one.
        quantiles: at LEVELS, of numbers.
        counts: rows for each category.
    """

    kind: str
    known: int
    quantiles: tuple[float, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of_card(cls, name: str, card: Mapping[str, Any]) -> Labels:
        """Those of a condition. Raises ModelError for a card that does not say."""
        try:
            one = card["conditions"][name]
            quantiles = tuple(map(float, one.get("quantiles", ())))
            if one["kind"] == "number" and len(quantiles) != len(LEVELS):
                raise ValueError
            return cls(str(one["kind"]), int(one["known"]), quantiles, dict(one.get("counts", {})))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ModelError(
                f"the card does not say how the labels of {name} are spread", "get the model or adapter again"
            ) from None

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the largest label."""
        return self.quantiles[0], self.quantiles[-1]

    def share_below(self, value: float) -> float:
        """Share of the labels up to a value."""
        quantiles = np.array(self.quantiles)
        # of equal quantiles the last, so that a value that many rows have counts them all
        place = int(np.searchsorted(quantiles, value, side="right")) - 1
        if place < 0 or place == len(LEVELS) - 1:
            return float(place >= 0)
        low, high = quantiles[place], quantiles[place + 1]
        return LEVELS[place] + (LEVELS[place + 1] - LEVELS[place]) * (value - low) / (high - low)

    def share_under(self, value: float) -> float:
        """Share of the labels below a value, without those at it."""
        return self.share_below(float(np.nextafter(value, -np.inf)))

    def quantile(self, share: np.ndarray) -> np.ndarray:
        """The labels below which such shares lie."""
        return np.asarray(np.interp(share, LEVELS, self.quantiles))
