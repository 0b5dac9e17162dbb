"""The numbers of a report on its page: headline, funnel, and each family with its figures."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from nucleate.metrics.dng.family import Family, Measure
from nucleate.metrics.dng.report import DngReport, Headline, Step
from nucleate.report.html.charts import figure
from nucleate.report.number_texts import NamedMeasure, beside, named_measures, number_texts


def cards(report: DngReport) -> str:
    """The numbers of the headline, each with its interval and denominator."""
    cards = (_card(one, beside(report.families.get(one.family), one.name)) for one in report.headline)
    return f'<div class="cards">{"".join(cards)}</div>'


def _card(one: Headline, others: Sequence[tuple[str, Measure]] = ()) -> str:
    label = f'<div class="label">{escape(one.label)}</div>'
    measure = one.measure
    if measure is None or measure.estimate.value is None:
        why = "not measured" if measure is None else "no value"
        return f'<div class="card">{label}<div class="value none">{why}</div></div>'
    value, low, high = number_texts(measure)
    unit = "%" if measure.share else escape(measure.unit)
    of = f"of {measure.estimate.n} {measure.of}".rstrip()
    interval = f"95 %: {low} to {high}" if low else "no interval"
    more = "".join(f"<br>{word}: {number_texts(other)[0]}{unit}" for word, other in others)
    return (
        f'<div class="card" title="{escape(measure.description)}">{label}'
        f'<div class="value">{value}<em>{unit}</em></div>{_track(measure)}'
        f'<div class="interval">{interval}<br>{escape(of)}{more}</div></div>'
    )


def _track(measure: Measure) -> str:
    """A share and its interval on a line from 0 to 100 %."""
    value, low, high = measure.estimate.value, measure.estimate.low, measure.estimate.high
    if not measure.share or value is None or low is None or high is None:
        return ""
    band = f"left:{100 * low:.2f}%;width:{100 * (high - low):.2f}%"
    return f'<div class="track"><i style="{band}"></i><b style="left:{100 * value:.2f}%"></b></div>'


def funnel(steps: list[Step]) -> str:
    """How many samples each test leaves, as bars."""
    rows = []
    for step in steps:
        value, low, high = number_texts(step.share)
        share = f"{value} % <small>[{low}, {high}]</small>" if low else "-"
        kept = number_texts(step.kept)[0] if step.kept else ""
        of = f"{kept} % of those {step.kept.of}" if step.kept and kept != "-" else ""
        width = 100 * (step.share.estimate.value or 0.0)
        rows.append(
            f'<tr><td>{escape(step.title)}</td><td class="n">{step.count}</td>'
            f'<td class="bar"><div><i style="width:{width:.2f}%"></i></div></td>'
            f'<td class="number">{share}</td><td class="kept soft">{escape(of)}</td></tr>'
        )
    total = steps[0].count
    lead = f'<p class="soft">Each step keeps what passed all steps above it; shares are of all {total} generated.</p>'
    return f'{lead}<div class="panel"><table class="funnel">{"".join(rows)}</table></div>'


def family_numbers(family: Family) -> str:
    """The numbers of a family with their definitions, its figures and notes."""
    rows = "".join(_measure_row(entry) for entry in named_measures(family))
    body = f'<div class="panel"><table class="measures">{rows}</table></div>' if rows else ""
    if family.comparisons:
        body += f'<div class="figures">{"".join(figure(one) for one in family.comparisons)}</div>'
    body += notes(family.notes)
    return body or '<p class="soft">Nothing to show.</p>'


def _measure_row(entry: NamedMeasure) -> str:
    measure = entry.measure
    beside = "".join(
        f'<small title="{escape(one.description)}">{word}: {_value_text(one)}</small>'
        for word, one in entry.beside
    )
    of = f"of {measure.estimate.n} {measure.of}" if measure.of else f"n = {measure.estimate.n}"
    return (
        f'<tr><th>{escape(entry.title)}</th><td class="v">{_value_text(measure)}{beside}</td>'
        f"<td>{escape(sentence(measure.description))} <small>({escape(of)})</small></td></tr>"
    )


def _value_text(measure: Measure) -> str:
    """Value and unit, and the interval in small letters."""
    value, low, high = number_texts(measure)
    unit = "%" if measure.share else measure.unit
    shown = f"{value} {escape(unit)}".rstrip() if value != "-" else "-"
    return f'{shown}<span class="soft"> [{low}, {high}]</span>' if low else shown


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".") if text else ""


def notes(sentences: list[str]) -> str:
    """Notes for the reader as a list; empty without notes."""
    items = "".join(f"<li>{escape(note)}</li>" for note in sentences)
    return f'<ul class="notes">{items}</ul>' if items else ""
