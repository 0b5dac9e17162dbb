"""The per-structure table: one row for each sample, the columns of all families, as CSV or parquet."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucleate.errors import NucleateError

if TYPE_CHECKING:
    from nucleate.metrics.dng.report import DngReport

OWN = ("id", "problem")
ENDINGS = (".csv", ".parquet")


def rows(report: DngReport) -> list[dict[str, Any]]:
    """One row for each sample, in the order it was given. A name that two families use is FAMILY_NAME in both."""
    count = Counter(name for family in report.families.values() for name in family.columns)
    columns: dict[str, Sequence[Any]] = dict(
        zip(OWN, (report.samples.ids, report.samples.problems), strict=True)
    )
    for family in report.families.values():
        for name, values in family.columns.items():
            shared = count[name] > 1 or name in OWN
            columns[f"{family.name}_{name}" if shared else name] = values
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def check_ending(path: Path) -> None:
    """Raises NucleateError for a table that can't be written by its name."""
    if path.suffix.lower() not in ENDINGS:
        raise NucleateError(f"no table can be written as {path}", f"end its name with {' or '.join(ENDINGS)}")


def write_rows(table: list[dict[str, Any]], path: Path) -> None:
    """Write rows as CSV, or as parquet where the name ends so. Raises OSError where that fails."""
    check_ending(path)
    if path.suffix.lower() == ".parquet":
        _write_parquet(table, path)
        return
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(table[0]) if table else list(OWN))
        writer.writeheader()
        writer.writerows(table)


def _write_parquet(table: list[dict[str, Any]], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = list(table[0]) if table else list(OWN)
    columns = {name: [_plain(row[name]) for row in table] for name in names}
    arrays = {}
    for name, values in columns.items():
        kinds = {type(value) for value in values if value is not None}
        mixed = len(kinds) > 1 and not kinds <= {int, float}
        texts = [None if value is None else str(value) for value in values]
        arrays[name] = pa.array(texts if mixed else values)
    pq.write_table(pa.table(arrays), path, compression="zstd")


def _plain(value: Any) -> Any:
    """A number of numpy as Python's own."""
    return value.item() if hasattr(value, "item") else value
