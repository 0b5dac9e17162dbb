"""Rows of results as CSV or parquet, by the ending of the file's name."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from nucleate.errors import NucleateError

ENDINGS = (".csv", ".parquet")


def check_ending(path: Path) -> None:
    """Raise NucleateError if the file's name has no known ending."""
    if path.suffix.lower() not in ENDINGS:
        raise NucleateError(f"no table can be written as {path}", f"end its name with {' or '.join(ENDINGS)}")


def write_rows(table: list[dict[str, Any]], path: Path, names: tuple[str, ...] = ()) -> None:
    """Write rows as CSV, or as parquet where the name ends so; names: of the columns, for a table that may be empty.

    Raises OSError where that fails.
    """
    check_ending(path)
    if path.suffix.lower() == ".parquet":
        _write_parquet(table, path, names)
        return
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(table[0]) if table else list(names))
        writer.writeheader()
        writer.writerows(table)


def _write_parquet(table: list[dict[str, Any]], path: Path, names: tuple[str, ...]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: [_plain(row[name]) for row in table] for name in (table[0] if table else names)}
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
