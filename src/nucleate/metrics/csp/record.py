"""A CSP report as the record of a file, and back."""

from __future__ import annotations

from typing import Any

from nucleate.metrics.csp.report import CspReport
from nucleate.metrics.intervals import Estimate
from nucleate.records.reports import Report, plain, value_of

KIND = "csp"
OTHER = ("counts", "settings")
"""Keys of the numbers that are not protocols."""


def to_record(report: CspReport, source: dict[str, str] | None = None) -> Report:
    """The report for a file, with where the crystals came from among its settings."""
    numbers = report.to_dict()
    numbers["settings"] |= source or {}
    rows = [{key: plain(value) for key, value in row.items()} for row in report.rows]
    return Report(KIND, numbers, {"rows": rows})


def from_record(found: Report) -> CspReport:
    """The report that a file holds."""
    protocols = {
        name: {key: Estimate(**value) for key, value in one.items()}
        for name, one in found.numbers.items()
        if name not in OTHER
    }
    settings: dict[str, Any] = dict(found.numbers["settings"])
    ceiling = settings.pop("smact_ceiling")
    rows = [{key: value_of(value) for key, value in row.items()} for row in found.record["rows"]]
    return CspReport(
        protocols, found.numbers["counts"], settings, Estimate(**ceiling) if ceiling else None, rows
    )
