"""An evaluation of generated crystals as a text for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10
from textwrap import fill
from typing import TYPE_CHECKING, Any

from nucleate.metrics.dng.family import Family, Measure

if TYPE_CHECKING:
    from nucleate.metrics.dng.report import DngReport, Step

WIDTH = 30
NOTE_WIDTH = 110
SHORT = ("stability",)
"""Families whose notes belong to the headline."""
BESIDE = {"floor": "chance", "reference": "reference", "real": "real crystals"}
"""Endings of names, and what such a number is called beside the number it belongs to."""


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
        lines += [_line(entry.title, entry.measure, entry.beside) for entry in entries(family)]
    notes = dict.fromkeys([*report.notes, *(note for family in shown for note in family.notes)])
    if notes:
        lines += ["", *(fill(f"note: {note}", NOTE_WIDTH, subsequent_indent="  ") for note in notes)]
    return "\n".join(lines)


def compared(settings: dict[str, Any]) -> str:
    """What the samples were judged against."""
    if settings["reference"] is None:
        return "judged without a reference"
    return f"judged against {settings['reference']} ({settings['split']}); novel against {settings['novel_against']}"


@dataclass(frozen=True)
class Entry:
    """A number of a family, and beside it what chance, the reference or real crystals score, where that is known."""

    name: str
    measure: Measure
    beside: list[tuple[str, Measure]]

    @property
    def title(self) -> str:
        return self.name.replace("_", " ")


def entries(family: Family) -> list[Entry]:
    """The numbers of a family, NAME_floor, NAME_reference and NAME_real taken to NAME."""
    found = []
    for name, measure in family.measures.items():
        stem, _, last = name.rpartition("_")
        if last in BESIDE and stem in family.measures:
            continue
        found.append(Entry(name, measure, beside(family, name)))
    return found


def beside(family: Family | None, name: str) -> list[tuple[str, Measure]]:
    """What stands beside a number, each with the word for it."""
    measures = family.measures if family else {}
    ends = ((word, measures.get(f"{name}_{end}")) for end, word in BESIDE.items())
    return [(word, one) for word, one in ends if one]


def _line(label: str, measure: Measure | None, beside: Sequence[tuple[str, Measure]] = ()) -> str:
    if measure is None:
        return f"  {label:<{WIDTH}} not measured"
    of = f"of {measure.estimate.n} {measure.of}" if measure.of else f"n = {measure.estimate.n}"
    more = "".join(f"; {word} {number_texts(one)[0]}" for word, one in beside)
    return f"  {label:<{WIDTH}} {text_of(measure):<30} {of}{more}"


def _step_line(step: Step) -> str:
    return f"  {step.title:<{WIDTH + 6}} {step.count:>6}   {text_of(step.share)}"


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
