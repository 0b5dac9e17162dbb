"""An evaluation of generated crystals as a text for people."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import Any

from nucleate.metrics.dng.family import Measure
from nucleate.metrics.dng.report import DngReport, Step
from nucleate.report.number_texts import beside, named_measures, number_texts, text_of

WIDTH = 30
NOTE_WIDTH = 110
SHORT = ("stability",)
"""Families whose notes belong to the headline."""


def summary(report: DngReport, full: bool = False) -> str:
    """Where the samples come from, the headline, the funnel; with `full`, every number of every family."""
    settings = report.settings
    readable = sum(not problem for problem in report.samples.problems)
    lines = [
        f"{len(report.samples)} samples, {readable} readable, {compared(settings)}",
        f"protocol {report.protocol.name}: {report.protocol.title}",
        "",
        *(
            _line(one.label, one.measure, beside(report.families.get(one.family), one.name))
            for one in report.headline
        ),
        "",
        "funnel" + " " * (WIDTH + 2) + "count   of generated",
        *(_step_line(step) for step in report.funnel),
    ]
    shown = [family for family in report.families.values() if full or family.name in SHORT]
    for family in report.families.values() if full else ():
        lines += ["", family.title] if family.measures else []
        lines += [_line(entry.title, entry.measure, entry.beside) for entry in named_measures(family)]
    notes = dict.fromkeys([*report.notes, *(note for family in shown for note in family.notes)])
    if notes:
        lines += ["", *(fill(f"note: {note}", NOTE_WIDTH, subsequent_indent="  ") for note in notes)]
    return "\n".join(lines)


def compared(settings: dict[str, Any]) -> str:
    """What the samples were judged against."""
    if settings["reference"] is None:
        return "judged without a reference"
    return f"judged against {settings['reference']} ({settings['split']}); novel against {settings['novel_against']}"


def _line(label: str, measure: Measure | None, beside: Sequence[tuple[str, Measure]] = ()) -> str:
    if measure is None:
        return f"  {label:<{WIDTH}} not measured"
    of = f"of {measure.estimate.n} {measure.of}" if measure.of else f"n = {measure.estimate.n}"
    more = "".join(f"; {word} {number_texts(one)[0]}" for word, one in beside)
    return f"  {label:<{WIDTH}} {text_of(measure):<30} {of}{more}"


def _step_line(step: Step) -> str:
    return f"  {step.title:<{WIDTH + 6}} {step.count:>6}   {text_of(step.share)}"
