"""The results of one family of metrics: numbers with definitions, a table, comparisons for figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nucleate.metrics.intervals import Estimate, wilson


@dataclass(frozen=True)
class Measure:
    """One number and what it means.

    Attributes:
        estimate: value, 95 % interval, and the number of crystals it is over.
        of: what the denominator is, for example "generated" or "valid".
        description: the definition, one sentence, with its source.
        unit: "" for shares and pure numbers.
        share: whether the value is a fraction of `of`, to be shown in per cent.
    """

    estimate: Estimate
    of: str
    description: str
    unit: str = ""
    share: bool = False


def share(hits: int, total: int, of: str, description: str) -> Measure:
    """A fraction with its Wilson interval."""
    return Measure(wilson(hits, total), of, description, share=True)


def share_of(verdicts: Sequence[object], description: str) -> Measure:
    """The share of all generated samples whose verdict is true; None counts as false."""
    return share(sum(map(bool, verdicts)), len(verdicts), "generated", description)


@dataclass(frozen=True)
class Comparison:
    """Two histograms to lay over each other. Shares of each side sum to 1 over the bins, values outside left out.

    Attributes:
        title, unit: of the axis.
        labels: of the bins: categories, or the lower edges of numeric bins.
        edges: of numeric bins, one more than labels; empty for categories.
        samples, reference: share of each bin.
    """

    title: str
    labels: list[str]
    samples: np.ndarray
    reference: np.ndarray
    unit: str = ""
    edges: np.ndarray = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True)
class Family:
    """What one family of metrics found.

    Attributes:
        name: "validity", "coverage", ...
        title: for people.
        measures: by name.
        columns: of the per-structure table, one entry for each generated sample in order; None where there is nothing
            to say of it.
        comparisons: for the report's figures.
        settings: everything the numbers depend on, versions of packages included.
        notes: sentences that a reader of the numbers must know.
    """

    name: str
    title: str
    measures: dict[str, Measure] = field(default_factory=dict)
    columns: dict[str, list[Any]] = field(default_factory=dict)
    comparisons: list[Comparison] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
