"""The files of the field as records, one for each crystal.

CSV, folders and archives of CIF/POSCAR, extxyz, ASE db, pymatgen JSON. Reading is cheap and stays in one
process; parsing is dear and happens in worker processes (nucleate.data.parse).
"""

from __future__ import annotations

import csv
import gzip
import sqlite3
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path, PurePath
from typing import Any, Literal

from nucleate.data.parse import Record, from_atoms
from nucleate.errors import DataError, StructureError
from nucleate.files import parse_json

ID_COLUMNS = ("material_id", "id", "ID", "name")
KINDS = (
    "CSV or CSV.gz with a 'cif' column, folder, zip or tar of CIF/POSCAR files, extxyz, ASE db, pymatgen JSON"
)
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def read_source(path: Path) -> list[Record]:
    """All records of one file or folder. Raises DataError when it is missing, unknown or unreadable."""
    if not path.exists():
        raise DataError(f"no file or folder {path}", "check the path")
    reader = _reader(path)
    try:
        records = list(reader(path))
    except (
        OSError,
        EOFError,
        zlib.error,
        UnicodeDecodeError,
        csv.Error,
        sqlite3.Error,
        zipfile.BadZipFile,
        tarfile.TarError,
    ) as error:
        raise DataError(f"{path} can't be read ({error})", "is the file complete? fetch it again") from error
    if not records:
        raise DataError(f"{path} holds no structures", f"give a {KINDS}")
    return records


def _reader(path: Path):
    name = path.name.lower()
    if path.is_dir():
        return read_folder
    for endings, reader in (
        ((".csv", ".csv.gz"), read_csv),
        (ARCHIVES, read_archive),
        ((".extxyz", ".xyz", ".extxyz.gz", ".xyz.gz"), read_extxyz_frames),
        ((".db",), read_ase_db),
        ((".json", ".json.gz"), read_json),
    ):
        if name.endswith(endings):
            return reader
    if text_kind(path):
        return read_one
    raise DataError(f"{path} is of an unknown kind", f"give a {KINDS}")


def open_text(path: Path):
    """The file as text, unpacked when its name ends in .gz."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def read_csv(path: Path) -> Iterator[Record]:
    """Rows of a CSV file with a `cif` column; every other column becomes a property."""
    csv.field_size_limit(2**31 - 1)
    with open_text(path) as file:
        rows = csv.DictReader(file)
        names = list(rows.fieldnames or [])
        if "cif" not in names:
            raise DataError(
                f"{path} has no column 'cif', only {', '.join(names) or 'nothing'}",
                "each row needs the CIF text of one crystal",
            )
        key = next((name for name in ID_COLUMNS if name in names), None)
        for number, row in enumerate(rows, 1):
            properties = {name: value for name, value in row.items() if name and name not in ("cif", key)}
            name = (row[key] if key else "") or f"{stem(path)}-{number}"
            yield Record(number, name, "cif", row["cif"] or "", properties)


def text_kind(path: PurePath) -> Literal["cif", "poscar"] | None:
    """ "cif" or "poscar" by the name of a file (x.cif, POSCAR, CONTCAR_1, y.vasp), or None."""
    name = path.name.lower().removesuffix(".gz")
    if name.endswith((".cif", ".mcif")):
        return "cif"
    if name.startswith(("poscar", "contcar")) or name.endswith((".vasp", ".poscar")):
        return "poscar"
    return None


def read_one(path: Path) -> Iterator[Record]:
    """One CIF or POSCAR file."""
    yield from _text_records([(PurePath(path.name), path.read_bytes())])


def read_folder(path: Path) -> Iterator[Record]:
    """Every CIF and POSCAR file below a folder, in the order of their paths."""
    files = sorted(file for file in path.rglob("*") if file.is_file() and text_kind(file))
    yield from _text_records((file.relative_to(path), file.read_bytes()) for file in files)


def read_archive(path: Path) -> Iterator[Record]:
    """Every CIF and POSCAR file in a zip or tar archive, in the order of their names."""
    yield from _text_records(_members(path))


def _text_records(named: Iterable[tuple[PurePath, bytes]]) -> Iterator[Record]:
    for number, (name, data) in enumerate(named, 1):
        kind = text_kind(name)
        if kind is None:
            continue
        try:
            text = (gzip.decompress(data) if name.suffix == ".gz" else data).decode()
        except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
            yield Record(number, _member_id(name), "refused", f"unreadable file: {error}", {})
        else:
            yield Record(number, _member_id(name), kind, text, {})


def _members(path: Path) -> Iterator[tuple[PurePath, bytes]]:
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                if text_kind(PurePath(name)):
                    yield PurePath(name), archive.read(name)
        return
    with tarfile.open(path) as archive:
        for member in sorted(archive.getmembers(), key=lambda one: one.name):
            if member.isfile() and text_kind(PurePath(member.name)):
                with archive.extractfile(member) or BytesIO() as file:
                    yield PurePath(member.name), file.read()


def read_extxyz_frames(path: Path) -> Iterator[Record]:
    """Frames of an extxyz file, cut by their atom counts and parsed later."""
    with open_text(path) as file:
        lines = file.read().splitlines()
    start, number = 0, 0
    while start < len(lines):
        if not lines[start].strip():
            start += 1
            continue
        number += 1
        count = lines[start].strip()
        if not count.isdecimal() or start + 2 + int(count) > len(lines):
            raise DataError(
                f"{path}, line {start + 1}: frame {number} is incomplete or lacks its number of atoms",
                "each frame is a count, a comment line and one line for each atom",
            )
        end = start + 2 + int(count)
        yield Record(number, f"{stem(path)}-{number}", "extxyz", "\n".join(lines[start:end]) + "\n", {})
        start = end


def read_ase_db(path: Path) -> Iterator[Record]:
    """Rows of an ASE database with their key-value pairs, and the energy where one was stored."""
    from ase.db import connect

    for row in connect(str(path)).select():
        properties: dict[str, Any] = dict(row.key_value_pairs)
        if "energy" in row:
            properties.setdefault("energy", row.energy)
        name = next(
            (str(properties.pop(key)) for key in ID_COLUMNS if key in properties), f"{stem(path)}-{row.id}"
        )
        try:
            yield Record(row.id, name, "cell", from_atoms(row.toatoms()), properties)
        except StructureError as error:
            yield Record(row.id, name, "refused", error.message, properties)


def read_json(path: Path) -> Iterator[Record]:
    """pymatgen's JSON: one structure, a list of them, {id: structure}, or entries that hold a "structure"."""
    with open_text(path) as file:
        try:
            found = parse_json(file.read())
        except ValueError as error:
            raise DataError(f"{path} is not JSON ({error})", f"give a {KINDS}") from error
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
        yield _json_record(number, fallback, named_by_key=key is not None, one=one)


def _json_record(number: int, fallback: str, *, named_by_key: bool, one: dict[str, Any]) -> Record:
    structure, scalars = one, dict(one.get("properties") or {})
    if "structure" in one:
        structure = one["structure"]
        scalars = {**(one.get("data") or {}), **(one.get("parameters") or {}), **one}
    scalars = {k: v for k, v in scalars.items() if isinstance(v, int | float | str) and not k.startswith("@")}
    name = next((str(scalars.pop(k)) for k in ("material_id", "entry_id", "id") if scalars.get(k)), fallback)
    return Record(number, fallback if named_by_key else name, "structure", structure, scalars)


def stem(path: PurePath) -> str:
    """The name of a file without its endings."""
    return path.name.split(".")[0] or path.name


def _member_id(path: PurePath) -> str:
    name = path.as_posix().removesuffix(".gz")
    return name.removesuffix(".cif") if text_kind(path) == "cif" else name
