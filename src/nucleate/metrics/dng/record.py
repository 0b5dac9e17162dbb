"""A DNG report as the record of a file, and back: the numbers, every sample with its verdicts, every crystal."""

from __future__ import annotations

from typing import Any

import numpy as np

from nucleate.metrics.dng.family import Comparison, Family, Measure
from nucleate.metrics.dng.protocols import Protocol
from nucleate.metrics.dng.report import DngReport
from nucleate.metrics.dng.samples import Samples
from nucleate.metrics.intervals import Estimate
from nucleate.metrics.matching import Matcher
from nucleate.records.reports import Report, cell_content, cell_of, numbers_of, plain, value_of

KIND = "dng"


def to_record(report: DngReport) -> Report:
    """The report for a file."""
    samples = report.samples
    record = {
        "samples": {
            "ids": samples.ids,
            "problems": samples.problems,
            "hashes": samples.hashes,
            "source": samples.source,
            "crystals": [cell_content(cell) for cell in samples.cells],
        },
        "relaxed": [cell_content(cell) for cell in report.relaxed],
        "tests": [[name, title, list(map(plain, passed))] for name, title, passed in report.tests],
        "headline": report.protocol.headline,
        "families": {name: _family_record(family) for name, family in report.families.items()},
    }
    return Report(KIND, report.to_dict(), record)


def from_record(found: Report) -> DngReport:
    """The report that a file holds."""
    numbers, record = found.numbers, found.record
    samples = record["samples"]
    families = {
        name: _family(name, content, record["families"][name])
        for name, content in numbers["families"].items()
    }
    return DngReport(
        Samples(
            samples["ids"],
            [cell_of(content) for content in samples["crystals"]],
            samples["problems"],
            samples["source"],
            samples["hashes"],
        ),
        _protocol(numbers["protocol"], record["headline"]),
        families,
        [(name, title, list(map(value_of, passed))) for name, title, passed in record["tests"]],
        numbers["settings"],
        [cell_of(content) for content in record["relaxed"]],
        numbers["notes"],
    )


def _family_record(family: Family) -> dict[str, Any]:
    """What the numbers of a family leave out."""
    comparisons = [
        {
            "title": one.title,
            "unit": one.unit,
            "labels": one.labels,
            "edges": numbers_of(one.edges),
            "samples": numbers_of(one.samples),
            "reference": numbers_of(one.reference),
        }
        for one in family.comparisons
    ]
    columns = {name: list(map(plain, values)) for name, values in family.columns.items()}
    return {"columns": columns, "comparisons": comparisons}


def _family(name: str, numbers: dict[str, Any], record: dict[str, Any]) -> Family:
    arrays = ("edges", "samples", "reference")
    return Family(
        name,
        numbers["title"],
        {key: _measure(content) for key, content in numbers["measures"].items()},
        {key: list(map(value_of, values)) for key, values in record["columns"].items()},
        [
            Comparison(**one | {key: np.array(one[key], dtype=float) for key in arrays})
            for one in record["comparisons"]
        ],
        numbers["settings"],
        numbers["notes"],
    )


def _measure(content: dict[str, Any]) -> Measure:
    estimate = Estimate(content["value"], content["low"], content["high"], content["n"])
    return Measure(estimate, content["of"], content["description"], content["unit"], content["share"])


def _protocol(content: dict[str, Any], headline: list[list[str]]) -> Protocol:
    labels = tuple((family, measure, label) for family, measure, label in headline)
    return Protocol(
        **content
        | {
            "matcher": Matcher(**content["matcher"]),
            "thresholds": tuple(content["thresholds"]),
            "headline": labels,
        }
    )
