"""Sources with many crystals in one file: CSV, extended XYZ, ASE databases and pymatgen's JSON, row by row.

A row that can't be read is a record of kind "refused" with the reason; the rows after it are read.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

from nucleate.data.cif_pymatgen import one_line
from nucleate.data.frames import split_frames, split_lines
from nucleate.data.parse import Record, from_atoms
from nucleate.errors import DataError, StructureError
from nucleate.files import parse_json

ID_COLUMNS = ("material_id", "id", "ID", "name")
NOT_UTF8 = "not UTF-8 text"


class UnreadableFileError(DataError):
    """An existing file of a known kind that can't be read at all."""


def open_text(path: Path):
    """The file as text, unpacked when its name ends in .gz; bytes that are not UTF-8 become surrogates."""
    opener = gzip.open if path.suffix == ".gz" else open
    return opener(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="")


def is_utf8(text: str) -> bool:
    """Whether `open_text` could decode all of a text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def stem(path: PurePath) -> str:
    """The name of a file without its endings."""
    return path.name.split(".")[0] or path.name


def read_csv(path: Path) -> Iterator[Record]:
    """Rows of a CSV file with a `cif` column; every other column becomes a property."""
    csv.field_size_limit(2**31 - 1)
    with open_text(path) as file:
        rows = csv.reader(file)
        names = next(rows, [])
        if "cif" not in names:
            raise UnreadableFileError(
                f"{path} has no column 'cif', only {', '.join(names) or 'nothing'}",
                "each row needs the CIF text of one crystal",
            )
        key = next((name for name in ID_COLUMNS if name in names), None)
        for number, (fields, problem) in enumerate(_csv_rows(rows, len(names)), 1):
            row = dict(zip(names, fields, strict=False))
            name = (row.pop(key, "") if key else "") or f"{stem(path)}-{number}"
            text = row.pop("cif", "")
            row.pop("", None)  # the index that pandas writes
            if problem:
                yield Record(
                    number, name if is_utf8(name) else f"{stem(path)}-{number}", "refused", problem, {}
                )
            else:
                yield Record(number, name, "cif", text, row)


def _csv_rows(rows: Any, columns: int) -> Iterator[tuple[list[str], str]]:
    """The fields of each row, and what is wrong with them or "". `rows` is a csv.reader."""
    while True:
        first = rows.line_num + 1
        try:
            fields = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield [], f"unreadable row: {error}, lines {first} to {rows.line_num}"
            continue
        if not fields:
            continue
        problem = ""
        if len(fields) != columns:
            lines = f"lines {first} to {rows.line_num}"
            problem = f"unreadable row: {len(fields)} fields for {columns} columns, {lines}"
        elif not all(map(is_utf8, fields)):
            problem = f"unreadable row: {NOT_UTF8}"
        yield fields, problem


def read_extxyz_frames(path: Path) -> Iterator[Record]:
    """Frames of an extended XYZ file, parsed later."""
    with open_text(path) as file:
        lines = split_lines(file.read())
    for number, span in enumerate(split_frames(lines), 1):
        name, text = f"{stem(path)}-{number}", "\n".join(lines[span.start : span.end]) + "\n"
        if span.problem or not is_utf8(text):
            yield Record(number, name, "refused", f"unreadable extxyz: {span.problem or NOT_UTF8}", {})
        else:
            yield Record(number, name, "extxyz", text, {})


def read_ase_db(path: Path) -> Iterator[Record]:
    """Rows of an ASE database with their key-value pairs, and the energy where one was stored."""
    import sqlite3
    from contextlib import closing

    from ase.db import connect

    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as raw:
        numbers = [number for (number,) in raw.execute("SELECT id FROM systems ORDER BY id")]
    database = connect(str(path))
    for number in numbers:
        try:
            yield _ase_record(database.get(id=number), stem(path))
        except Exception as error:  # ASE raises nearly anything on a damaged row
            reason = f"unreadable row: {one_line(error)}"
            yield Record(number, f"{stem(path)}-{number}", "refused", reason, {})


def _ase_record(row: Any, file: str) -> Record:
    properties: dict[str, Any] = dict(row.key_value_pairs)
    if "energy" in row:
        properties.setdefault("energy", row.energy)
    name = next((str(properties.pop(key)) for key in ID_COLUMNS if key in properties), f"{file}-{row.id}")
    try:
        return Record(row.id, name, "cell", from_atoms(row.toatoms()), properties)
    except StructureError as error:
        return Record(row.id, name, "refused", error.message, properties)


def read_json(path: Path) -> Iterator[Record]:
    """pymatgen's JSON: one structure, a list of them, {id: structure}, or entries that hold a "structure"."""
    with open_text(path) as file:
        try:
            found = parse_json(file.read())
        except ValueError as error:
            raise UnreadableFileError(
                f"{path} is not JSON that can be read ({error})", "give pymatgen's JSON"
            ) from error
    if isinstance(found, dict):
        single = "structure" in found or "lattice" in found
        named = [(None, found)] if single else list(found.items())
    elif isinstance(found, list):
        named = [(None, one) for one in found]
    else:
        named = []
    for number, (key, one) in enumerate(named, 1):
        fallback = key or f"{stem(path)}-{number}"
        if not isinstance(one, dict):
            yield Record(number, fallback, "refused", "not a structure", {})
            continue
        try:
            yield _json_record(number, fallback, named_by_key=key is not None, one=one)
        except (TypeError, ValueError, AttributeError) as error:
            yield Record(number, fallback, "refused", f"unreadable structure: {one_line(error)}", {})


def _json_record(number: int, fallback: str, *, named_by_key: bool, one: dict[str, Any]) -> Record:
    structure, scalars = one, dict(one.get("properties") or {})
    if "structure" in one:
        structure = one["structure"]
        scalars = {**(one.get("data") or {}), **(one.get("parameters") or {}), **one}
    scalars = {k: v for k, v in scalars.items() if isinstance(v, int | float | str) and not k.startswith("@")}
    name = next((str(scalars.pop(k)) for k in ("material_id", "entry_id", "id") if scalars.get(k)), fallback)
    return Record(number, fallback if named_by_key else name, "structure", structure, scalars)
