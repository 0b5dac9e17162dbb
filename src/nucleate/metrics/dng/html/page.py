"""The report as one HTML page that needs no network: numbers, funnel, figures, gallery, table, definitions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

from nucleate.metrics.dng.html import gallery
from nucleate.metrics.dng.html.charts import figure
from nucleate.metrics.dng.summary import Entry, beside, compared, entries, number_texts
from nucleate.metrics.dng.symmetry import space_group

if TYPE_CHECKING:
    from nucleate.metrics.dng.family import Family, Measure
    from nucleate.metrics.dng.report import DngReport, Headline, Step

ROWS = 200
SYMPREC = 0.1
"""Å, of the space groups below the pictures."""
FIRST_COLUMNS = (
    "id", "formula", "n_atoms", "space_group", "crystal_system", "energy_above_hull", "unique", "novel", "matched_id",
)  # fmt: skip
TAGS = ("valid", "stable", "unique", "novel")
"""Tests of the funnel that stand below a picture."""


def page(report: DngReport) -> str:
    """The whole page."""
    order = gallery.ranking(report)
    shown = _shown(report, order)
    sections = [
        _section("numbers", "Headline", _cards(report) + _notes(report.notes)),
        _section("funnel", "Funnel", _funnel(report.funnel)),
        _section("gallery", "Best structures", _gallery(report, shown)),
        *(_family(family) for family in report.families.values()),
        _section("structures", "Structures", _table(report, order)),
        _section("settings", "Protocol and settings", _settings(report)),
    ]
    links = [("numbers", "Headline"), ("funnel", "Funnel"), ("gallery", "Best structures")]
    links += [(family.name, family.title) for family in report.families.values()]
    links += [("structures", "Structures"), ("settings", "Settings")]
    scenes = [gallery.scene(cell) for _, cell in shown]
    return Template(_asset("page.html")).substitute(
        title=escape(f"{len(report.samples)} generated crystals, judged"),
        lead=_lead(report),
        css=_asset("page.css"),
        links="".join(f'<a href="#{_slug(name)}">{escape(title)}</a>' for name, title in links),
        sections="\n".join(sections),
        foot=escape(f"Made with nucleate {report.settings.get('nucleate', '')}. ")
        + "3D views: 3Dmol.js 2.5.5.",
        scenes=_json_for_script(scenes),
        viewer=_viewer() if shown else "",
        script=_asset("page.js"),
    )


def _asset(name: str) -> str:
    return files("nucleate.metrics.dng.html").joinpath(name).read_text(encoding="utf-8")


def _viewer() -> str:
    """3Dmol.js with its licence, which every copy has to carry."""
    return f"/*\n{_asset('3Dmol.LICENSE.txt')}\n*/\n{_asset('3Dmol-min.js')}"


def _json_for_script(content: Any) -> str:
    """JSON that can't end the element it stands in."""
    return json.dumps(content, allow_nan=False).replace("<", "\\u003c")


def _section(name: str, title: str, body: str) -> str:
    return f'<section id="{_slug(name)}"><h2>{escape(title)}</h2>{body}</section>'


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name)


def _lead(report: DngReport) -> str:
    settings, source = report.settings, report.samples.source
    return (
        f"Samples: {escape(str(source.get('path', 'from memory')))}, {escape(compared(settings))}. "
        f"Protocol <strong>{escape(report.protocol.name)}</strong>: {escape(report.protocol.title)} "
        f"({escape(report.protocol.source)})."
    )


def _cards(report: DngReport) -> str:
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


def _funnel(steps: list[Step]) -> str:
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


def _family(family: Family) -> str:
    rows = "".join(_measure_row(entry) for entry in entries(family))
    body = f'<div class="panel"><table class="measures">{rows}</table></div>' if rows else ""
    if family.comparisons:
        body += f'<div class="figures">{"".join(figure(one) for one in family.comparisons)}</div>'
    body += _notes(family.notes)
    return _section(family.name, family.title, body or '<p class="soft">Nothing to show.</p>')


def _measure_row(entry: Entry) -> str:
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


def _notes(notes: list[str]) -> str:
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f'<ul class="notes">{items}</ul>' if items else ""


def _shown(report: DngReport, order: list[int]) -> list[tuple[int, Any]]:
    """(place, crystal) of the best that can be drawn: relaxed where it was relaxed."""
    found = []
    for i in order:
        cell = report.relaxed[i] if report.relaxed[i] is not None else report.samples.cells[i]
        if gallery.drawable(cell):
            found.append((i, cell))
        if len(found) == gallery.SHOWN:
            break
    return found


def _gallery(report: DngReport, shown: list[tuple[int, Any]]) -> str:
    if not shown:
        return '<p class="soft">No sample can be drawn.</p>'
    rows = report.table()
    cards = []
    for number, (i, cell) in enumerate(shown):
        row = rows[i]
        # of the crystal that is shown, which relaxation may have given another than the table's
        symbol = space_group(cell, SYMPREC) if "symmetry" in report.families else None
        energy = row.get("energy_above_hull")
        facts = [f"{len(cell.species)} atoms" + (f", space group {symbol}" if symbol else "")]
        facts += [f"{energy:+.3f} eV/atom above the hull"] if isinstance(energy, float) else []
        facts.append(report.samples.ids[i])
        tags = [(name, bool(verdicts[i])) for name, _, verdicts in report.tests if name in TAGS]
        marks = "".join(
            f'<span class="{"yes" if good else ""}">{"" if good else "not "}{name}</span>'
            for name, good in tags
        )
        cards.append(
            f'<div class="card"><div class="stage" data-scene="{number}">{gallery.picture(cell)}</div>'
            f"<h4>{gallery.formula_html(cell)}</h4><small>{'<br>'.join(map(escape, facts))}</small>"
            f'<div class="tags">{marks}</div></div>'
        )
    lead = (
        '<p class="soft">By tests passed, then by energy above the hull; relaxed where the protocol relaxes. '
        "Drag to turn.</p>"
    )
    return f'{lead}<div class="gallery">{"".join(cards)}</div>'


def _table(report: DngReport, order: list[int]) -> str:
    rows = report.table()
    if not rows:
        return '<p class="soft">There are no samples.</p>'
    names = [name for name in FIRST_COLUMNS if name in rows[0]]
    names += [name for name in rows[0] if name not in names]
    head = "".join(
        f'<th><button type="button">{escape(name.replace("_", " "))}</button></th>' for name in names
    )
    body = "".join(f"<tr>{''.join(_table_cell(rows[i][name]) for name in names)}</tr>" for i in order[:ROWS])
    count = f"The first {ROWS} of {len(rows)} samples" if len(rows) > ROWS else f"All {len(rows)} samples"
    lead = f'<p class="soft">{count}, best first. A click on a head sorts.</p>'
    table = f'<table class="table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'{lead}<div class="panel scroll">{table}</div>'


def _table_cell(value: Any) -> str:
    value = value.item() if hasattr(value, "item") else value
    if value is None or value != value:
        return "<td></td>"
    if isinstance(value, bool):
        return f"<td>{'yes' if value else 'no'}</td>"
    if isinstance(value, float):
        return f'<td data-v="{value!r}">{value:.4g}</td>'
    if isinstance(value, int):
        return f"<td>{value}</td>"
    return f"<td>{escape(str(value))}</td>"


def _settings(report: DngReport) -> str:
    content = {
        "protocol": report.protocol.to_dict(),
        "evaluation": report.settings,
        "samples": report.samples.source,
        **{name: family.settings for name, family in report.families.items() if family.settings},
    }
    return f"<pre>{escape(json.dumps(content, indent=2, default=str))}</pre>"
