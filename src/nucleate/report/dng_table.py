"""The per-structure table: one row for each sample, the columns of all families."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from nucleate.metrics.dng.report import DngReport

OWN = ("id", "problem")
KEY = "key"
"""Column of a run of nucleate: the key of its frames."""


def rows(report: DngReport) -> list[dict[str, Any]]:
    """One row for each sample, in the order it was given. A name that two families use is FAMILY_NAME in both."""
    count = Counter(name for family in report.families.values() for name in family.columns)
    columns: dict[str, Sequence[Any]] = dict(
        zip(OWN, (report.samples.ids, report.samples.problems), strict=True)
    )
    if report.samples.hashes:
        columns[KEY] = report.samples.hashes
    for family in report.families.values():
        for name, values in family.columns.items():
            shared = count[name] > 1 or name in (*OWN, KEY)
            columns[f"{family.name}_{name}" if shared else name] = values
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
