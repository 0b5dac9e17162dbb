"""Reports as JSON files: the numbers, and a record of all else, from which text, tables and pages can be made again.

| key | what it is |
|---|---|
| those of the numbers | as the judges name them; the same since before there were records |
| `report` | the kind: `csp` or `dng` |
| `format` | of the record; a version reads its own and earlier ones |
| `record` | what tables and pages are made of beside the numbers |
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.errors import DataError
from nucleate.files import parse_json, write_whole, writing

FORMAT = 1
KEYS = ("report", "format", "record")


@dataclass(frozen=True)
class Report:
    """The content of a report file.

    Attributes:
        kind: "csp" or "dng".
        numbers: the numbers, for people and programs.
        record: everything else needed to make the report again.
    """

    kind: str
    numbers: dict[str, Any]
    record: dict[str, Any]


def write_report(path: Path, report: Report) -> None:
    """Write a report as a whole.

    Raises NucleateError where it can't be written.
    """
    head = report.numbers | {"report": report.kind, "format": FORMAT}
    # numbers are for people, a record is not
    record = json.dumps(report.record, separators=(",", ":"), allow_nan=False)
    text = json.dumps(head, indent=2, default=str).removesuffix("\n}") + f',\n  "record": {record}\n}}\n'
    if path.is_symlink() or (path.exists() and not path.is_file()):
        # a pipe or /dev/stdout can't be replaced by a file
        with writing(path):
            path.write_text(text, encoding="utf-8")
    else:
        write_whole(path, text)


def read_report(path: Path) -> Report:
    """Read what `write_report` wrote.

    Raises DataError where there is no such file, where it is not a report, and for a format of a later version.
    """
    if not path.is_file():
        raise DataError(f"no file {path}", "make one with 'nucleate evaluate dng ... --json FILE'")
    try:
        content = dict(parse_json(path.read_bytes()))
    except (ValueError, TypeError):
        raise DataError(
            f"{path} is not a report", "give a file of 'nucleate evaluate ... --json FILE'"
        ) from None
    if not content.keys() >= set(KEYS):
        raise DataError(
            f"{path} holds only numbers, not a record that a report can be made from",
            "judge again with --json; earlier versions wrote no record",
        )
    if not isinstance(content["format"], int) or content["format"] > FORMAT:
        raise DataError(
            f"{path} has format {content['format']}, and this version reads up to {FORMAT}", "update nucleate"
        )
    kind, record = content["report"], content["record"]
    return Report(kind, {key: value for key, value in content.items() if key not in KEYS}, record)


def plain(value: Any) -> Any:
    """A table value for JSON: numpy numbers as Python's, non-finite ones by name."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and not isfinite(value):
        return {"number": str(value)}
    return value


def value_of(content: Any) -> Any:
    """Inverse of `plain`."""
    return float(content["number"]) if isinstance(content, dict) else content


def numbers_of(values: np.ndarray) -> list[Any]:
    """An array of floats for JSON; non-finite ones as text, which numpy reads back."""
    listed = np.asarray(values, dtype=float)
    return listed.tolist() if np.isfinite(listed).all() else listed.astype(object).astype(str).tolist()


def cell_content(cell: Cell | None) -> list[Any] | None:
    """A crystal as species, fractional coordinates and lattice; floats come back exactly."""
    return None if cell is None else [cell.species.tolist(), numbers_of(cell.frac), numbers_of(cell.lattice)]


def cell_of(content: list[Any] | None) -> Cell | None:
    """Inverse of `cell_content`."""
    if content is None:
        return None
    species, frac, lattice = content
    return Cell(
        np.array(species, dtype=np.int64),
        np.array(frac, dtype=float).reshape(-1, 3),
        np.array(lattice, dtype=float).reshape(3, 3),
    )
