"""Numbers as text: digits justified by the interval, and the numbers shown beside them for comparison."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10

from nucleate.metrics.dng.family import Family, Measure
from nucleate.metrics.intervals import Estimate

BESIDE = {"floor": "chance", "reference": "reference", "real": "real crystals"}
"""Endings of names, and the label of such a number beside the one it belongs to."""


@dataclass(frozen=True)
class NamedMeasure:
    """A number of a family, with the scores of chance, the reference or real crystals where known."""

    name: str
    measure: Measure
    beside: list[tuple[str, Measure]]

    @property
    def title(self) -> str:
        return self.name.replace("_", " ")


def named_measures(family: Family) -> list[NamedMeasure]:
    """The numbers of a family, with NAME_floor, NAME_reference and NAME_real beside NAME."""
    found = []
    for name, measure in family.measures.items():
        stem, _, last = name.rpartition("_")
        if last in BESIDE and stem in family.measures:
            continue
        found.append(NamedMeasure(name, measure, beside(family, name)))
    return found


def beside(family: Family | None, name: str) -> list[tuple[str, Measure]]:
    """The numbers shown beside a number, each with its label."""
    measures = family.measures if family else {}
    ends = ((word, measures.get(f"{name}_{end}")) for end, word in BESIDE.items())
    return [(word, one) for word, one in ends if one]


def text_of(measure: Measure) -> str:
    """Value and interval with the digits justified by the interval: "12.3 [10.1, 14.8] %", or "-"."""
    value, low, high = number_texts(measure)
    if value == "-":
        return "-"
    unit = "%" if measure.share else measure.unit
    interval = f" [{low}, {high}]" if low else ""
    return f"{value}{interval} {unit}".rstrip()


def number_texts(measure: Measure) -> tuple[str, str, str]:
    """Value, low and high as texts; ("-", "", "") where there is no value, low and high empty without interval."""
    estimate, scale = measure.estimate, 100.0 if measure.share else 1.0
    if estimate.value is None:
        return "-", "", ""
    if estimate.low is None or estimate.high is None:
        return f"{scale * estimate.value:.{_digits(scale * estimate.value / 10)}f}", "", ""
    width = scale * (estimate.high - estimate.low)
    digits = _digits(width or abs(scale * estimate.value) / 10)
    value, low, high = (f"{scale * x:.{digits}f}" for x in (estimate.value, estimate.low, estimate.high))
    return value, low, high


def _digits(width: float) -> int:
    """Decimals that show an interval of this width with two significant figures."""
    return max(0, min(6, 1 - floor(log10(abs(width))))) if width else 0


def fixed_text(estimate: Estimate, scale: float = 1.0, digits: int = 2) -> str:
    """Value and interval, times `scale`, with `digits` decimals: "12.34 [10.11, 14.85]"; "-" where there is none."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "-"
    value, low, high = (f"{scale * x:.{digits}f}" for x in (estimate.value, estimate.low, estimate.high))
    return f"{value} [{low}, {high}]"
