"""Reports as files: JSON that can be read back, a table, and for generated crystals a page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nucleate.errors import DataError, NucleateError
from nucleate.files import writing
from nucleate.metrics.csp import record as csp_record
from nucleate.metrics.csp.report import CspReport
from nucleate.metrics.dng import record as dng_record
from nucleate.metrics.dng.report import DngReport
from nucleate.properties import evaluate as property_record
from nucleate.properties.evaluate import PropertyReport
from nucleate.records.reports import Report, read_report, write_report
from nucleate.records.tables import write_rows
from nucleate.report import csp_text, dng_text, property_text
from nucleate.report.dng_table import OWN, rows
from nucleate.report.html.page import page

AnyReport = CspReport | DngReport | PropertyReport

READERS: dict[str, Callable[[Report], AnyReport]] = {
    csp_record.KIND: csp_record.from_record,
    dng_record.KIND: dng_record.from_record,
    property_record.KIND: property_record.from_record,
}


def load(path: Path) -> AnyReport:
    """The report in a JSON file of `nucleate evaluate`.

    Raises DataError where it holds none that this version can read.
    """
    found = read_report(path)
    if found.kind not in READERS:
        raise DataError(f"{path} holds a report of an unknown kind, {found.kind!r}", "update nucleate")
    try:
        return READERS[found.kind](found)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"{path} holds an incomplete record of a report ({type(error).__name__}: {error})",
            "write it again with 'nucleate evaluate ... --json FILE'",
        ) from error


def save_csp(
    report: CspReport, json: Path | None, table: Path | None, source: dict[str, str] | None = None
) -> None:
    """Write the chosen files; source: where the crystals came from, for the JSON file.

    Raises NucleateError where a file can't be written.
    """
    if json:
        write_report(json, csp_record.to_record(report, source))
    if table:
        with writing(table):
            write_rows(report.rows, table)


def save_dng(report: DngReport, json: Path | None, table: Path | None, html: Path | None) -> None:
    """Write the chosen files.

    Raises NucleateError where a file can't be written.
    """
    if json:
        write_report(json, dng_record.to_record(report))
    if table:
        with writing(table):
            write_rows(rows(report), table, OWN)
    if html:
        with writing(html):
            html.write_text(page(report), encoding="utf-8")


def save_property(report: PropertyReport, json: Path | None, table: Path | None) -> None:
    """Write the chosen files.

    Raises NucleateError where a file can't be written.
    """
    if json:
        write_report(json, property_record.to_record(report))
    if table:
        with writing(table):
            write_rows(report.rows, table)


def show(report: AnyReport, table: Path | None, html: Path | None, full: bool = False) -> str:
    """Make table and page of a report again; returns its text.

    Raises NucleateError where a file can't be written, and for a page or full text of predictions, which have none.
    """
    if isinstance(report, DngReport):
        save_dng(report, None, table, html)
        return dng_text.summary(report, full)
    if html or full:
        raise NucleateError(
            f"a report on predictions has no {'page' if html else 'longer text'}",
            "leave --html and --full out; they are for reports of 'nucleate evaluate dng'",
        )
    if isinstance(report, PropertyReport):
        save_property(report, None, table)
        return property_text.summary(report)
    save_csp(report, None, table)
    return csp_text.summary(report)
