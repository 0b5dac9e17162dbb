"""Evaluation reports for the page: headline, funnel, numbers of each family, comparisons; or their text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nucleate.metrics.csp.report import CspReport
from nucleate.metrics.dng.family import Comparison, Family, Measure
from nucleate.metrics.dng.report import DngReport
from nucleate.records.reports import numbers_of
from nucleate.report import csp_text, property_text
from nucleate.report.files import load
from nucleate.report.number_texts import named_measures, text_of


def report_of(path: Path) -> dict[str, Any]:
    """A report for JSON. Raises DataError where the file holds none that can be read."""
    report = load(path)
    if isinstance(report, DngReport):
        return {"kind": "dng", **_dng(report)}
    if isinstance(report, CspReport):
        return {"kind": "csp", "text": csp_text.summary(report), "settings": _plain(report.settings)}
    return {"kind": "property", "text": property_text.summary(report), "settings": {}}


def _dng(report: DngReport) -> dict[str, Any]:
    return {
        "protocol": {"name": report.protocol.name, "title": report.protocol.title},
        "headline": [{"label": one.label, **_measure(one.measure)} for one in report.headline],
        "funnel": [
            {
                "title": step.title,
                "count": step.count,
                "share": step.share.estimate.value,
                "text": text_of(step.share),
            }
            for step in report.funnel
        ],
        "families": [_family(family) for family in report.families.values()],
        "notes": list(report.notes),
        "settings": _plain(report.settings),
    }


def _measure(measure: Measure | None) -> dict[str, str]:
    if measure is None:
        return {"text": "-", "description": "", "of": ""}
    return {"text": text_of(measure), "description": measure.description, "of": measure.of}


def _family(family: Family) -> dict[str, Any]:
    return {
        "name": family.name,
        "title": family.title,
        "measures": [
            {
                "title": one.title,
                **_measure(one.measure),
                "beside": [{"label": label, "text": text_of(measure)} for label, measure in one.beside],
            }
            for one in named_measures(family)
        ],
        "comparisons": [comparison_of(one) for one in family.comparisons],
        "notes": list(family.notes),
    }


def comparison_of(one: Comparison) -> dict[str, Any]:
    """Two histograms for JSON."""
    return {
        "title": one.title,
        "unit": one.unit,
        "labels": list(one.labels),
        "edges": numbers_of(one.edges),
        "samples": [float(share) for share in one.samples],
        "reference": [float(share) for share in one.reference],
    }


def _plain(settings: dict[str, Any]) -> dict[str, str]:
    return {name: str(value)[:500] for name, value in settings.items()}
