"""The report as one HTML page that needs no network: numbers, funnel, figures, gallery, table, definitions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from nucleate.cell import Cell
from nucleate.metrics.dng.report import DngReport
from nucleate.report.dng_text import compared
from nucleate.report.html import structures
from nucleate.report.html.gallery import ranking, scene
from nucleate.report.html.numbers import cards, family_numbers, funnel, notes


def page(report: DngReport) -> str:
    """The whole page."""
    order = ranking(report)
    shown = structures.shown(report, order)
    sections = [
        section("numbers", "Headline", cards(report) + notes(report.notes)),
        section("funnel", "Funnel", funnel(report.funnel)),
        section("gallery", "Best structures", structures.gallery(report, shown)),
        *(section(family.name, family.title, family_numbers(family)) for family in report.families.values()),
        section("structures", "Structures", structures.table(report, order)),
        section("settings", "Protocol and settings", _settings(report)),
    ]
    links = [("numbers", "Headline"), ("funnel", "Funnel"), ("gallery", "Best structures")]
    links += [(family.name, family.title) for family in report.families.values()]
    links += [("structures", "Structures"), ("settings", "Settings")]
    title = f"{len(report.samples)} generated crystals, judged"
    version = str(report.settings.get("nucleate", ""))
    return assembled(title, _lead(report), links, sections, version, [cell for _, cell in shown])


def assembled(
    title: str,
    lead: str,
    links: Sequence[tuple[str, str]],
    sections: Sequence[str],
    version: str,
    cells: Sequence[Cell],
) -> str:
    """A page of sections.

    Args:
        title: text.
        lead: HTML below it.
        links: (name, title) of the sections to jump to.
        sections: as `section` makes them.
        version: of the program.
        cells: crystals that pictures of the class `stage` show, by their `data-scene`.
    """
    return Template(_asset("page.html")).substitute(
        title=escape(title),
        lead=lead,
        css=_asset("page.css"),
        links="".join(f'<a href="#{_slug(name)}">{escape(title)}</a>' for name, title in links),
        sections="\n".join(sections),
        foot=escape(f"Made with nucleate {version}. ") + "3D views: 3Dmol.js 2.5.5.",
        scenes=_json_for_script([scene(cell) for cell in cells]),
        viewer=_viewer() if cells else "",
        script=_asset("page.js"),
    )


def _asset(name: str) -> str:
    return files("nucleate.report.html").joinpath(name).read_text(encoding="utf-8")


def _viewer() -> str:
    """3Dmol.js with its licence, which must accompany every copy."""
    return f"/*\n{_asset('3Dmol.LICENSE.txt')}\n*/\n{_asset('3Dmol-min.js')}"


def _json_for_script(content: Any) -> str:
    """JSON that can't end its script element."""
    return json.dumps(content, allow_nan=False).replace("<", "\\u003c")


def section(name: str, title: str, body: str) -> str:
    """A part of a page under a heading."""
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


def _settings(report: DngReport) -> str:
    content = {
        "protocol": report.protocol.to_dict(),
        "evaluation": report.settings,
        "samples": report.samples.source,
        **{name: family.settings for name, family in report.families.items() if family.settings},
    }
    return f"<pre>{escape(json.dumps(content, indent=2, default=str))}</pre>"
