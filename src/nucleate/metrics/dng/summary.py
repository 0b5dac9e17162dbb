"""An evaluation of generated crystals as a text for people."""

from __future__ import annotations

from math import floor, log10
from typing import TYPE_CHECKING

from nucleate.metrics.dng.family import Measure

if TYPE_CHECKING:
    from nucleate.metrics.dng.report import DngReport, Step

WIDTH = 34


def summary(report: DngReport) -> str:
    """Where the samples come from, the headline, the funnel, then every number of every family."""
    settings = report.settings
    readable = sum(not problem for problem in report.samples.problems)
    lines = [
        f"{len(report.samples)} samples, {readable} readable, judged against {settings['reference']} "
        f"({settings['split']}); novel against {settings['novel_against']}",
        f"protocol {report.protocol.name}: {report.protocol.title}",
        "",
    ]
    for one in report.headline:
        lines.append(_line(one.label, one.measure))
    lines += ["", "funnel" + " " * (WIDTH - 4) + "count   of generated"]
    lines += [_step_line(step) for step in report.funnel]
    for family in report.families.values():
        if family.measures:
            lines += ["", family.title]
            lines += [_line(name.replace("_", " "), one) for name, one in family.measures.items()]
    notes = [*report.notes, *(note for family in report.families.values() for note in family.notes)]
    if notes:
        lines += ["", *(f"note: {note}" for note in dict.fromkeys(notes))]
    return "\n".join(lines)


def _line(label: str, measure: Measure | None) -> str:
    if measure is None:
        return f"  {label:<{WIDTH}} not measured"
    of = f"of {measure.estimate.n} {measure.of}" if measure.of else f"n = {measure.estimate.n}"
    return f"  {label:<{WIDTH}} {text_of(measure):<28} {of}"


def _step_line(step: Step) -> str:
    return f"  {step.title:<{WIDTH}} {step.count:>6}   {text_of(step.share)}"


def text_of(measure: Measure) -> str:
    """Value and interval in as many digits as the interval is worth: "12.3 [10.1, 14.8] %", or "-"."""
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
    """Decimals that show an interval of this width in two figures."""
    return max(0, min(6, 1 - floor(log10(abs(width))))) if width else 0
