"""The report as one HTML page that needs no network: numbers, funnel, figures, gallery, table, definitions."""

from __future__ import annotations

import json
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

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
        _section("numbers", "Headline", cards(report) + notes(report.notes)),
        _section("funnel", "Funnel", funnel(report.funnel)),
        _section("gallery", "Best structures", structures.gallery(report, shown)),
        *(_section(family.name, family.title, family_numbers(family)) for family in report.families.values()),
        _section("structures", "Structures", structures.table(report, order)),
        _section("settings", "Protocol and settings", _settings(report)),
    ]
    links = [("numbers", "Headline"), ("funnel", "Funnel"), ("gallery", "Best structures")]
    links += [(family.name, family.title) for family in report.families.values()]
    links += [("structures", "Structures"), ("settings", "Settings")]
    scenes = [scene(cell) for _, cell in shown]
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
    return files("nucleate.report.html").joinpath(name).read_text(encoding="utf-8")


def _viewer() -> str:
    """3Dmol.js with its licence, which must accompany every copy."""
    return f"/*\n{_asset('3Dmol.LICENSE.txt')}\n*/\n{_asset('3Dmol-min.js')}"


def _json_for_script(content: Any) -> str:
    """JSON that can't end its script element."""
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


def _settings(report: DngReport) -> str:
    content = {
        "protocol": report.protocol.to_dict(),
        "evaluation": report.settings,
        "samples": report.samples.source,
        **{name: family.settings for name, family in report.families.items() if family.settings},
    }
    return f"<pre>{escape(json.dumps(content, indent=2, default=str))}</pre>"
