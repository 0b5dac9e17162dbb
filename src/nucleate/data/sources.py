"""Reading the field's file formats as records, one for each crystal.

CSV, extxyz, ASE db and pymatgen JSON (nucleate.data.many_crystal_files), folders and archives of CIF and POSCAR.
Reading is cheap and stays in one process; parsing is slow and runs in worker processes (nucleate.data.parse). What
can't be read becomes a record of kind "refused" with the reason, and reading goes on.
"""

from __future__ import annotations

import csv
import gzip
import sqlite3
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path, PurePath
from typing import Literal

from nucleate.data.many_crystal_files import (
    UnreadableFileError,
    read_ase_db,
    read_csv,
    read_extxyz_frames,
    read_json,
    stem,
)
from nucleate.data.parse import Record
from nucleate.errors import DataError

KINDS = (
    "CSV or CSV.gz with a 'cif' column, folder, zip or tar of CIF/POSCAR files, extxyz, ASE db, pymatgen JSON"
)
UNREADABLE = (
    OSError,
    EOFError,
    zlib.error,
    UnicodeDecodeError,
    zipfile.BadZipFile,
    RuntimeError,
    tarfile.TarError,
)
"""What reading one packed or plain text file raises; RuntimeError for a member of a zip that is encrypted."""
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def read_sources(paths: Sequence[Path]) -> list[Record]:
    """All records of some files and folders. Of several, one that can't be read as a whole is one refused record.

    Raises DataError when one is missing or of an unknown kind, and when the only one can't be read.
    """
    records = []
    for path in paths:
        try:
            records += read_source(path)
        except UnreadableFileError as error:
            if len(paths) == 1:
                raise
            records.append(Record(0, stem(path), "refused", f"unreadable file: {error.message}", {}))
    return records


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
        csv.Error,
        sqlite3.Error,
        zipfile.BadZipFile,
        tarfile.TarError,
    ) as error:
        hint = "is the file complete? fetch it again"
        raise UnreadableFileError(f"{path} can't be read ({error})", hint) from error
    if not records:
        raise UnreadableFileError(f"{path} holds no structures", f"give a {KINDS}")
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
    yield from _text_records([(PurePath(path.name), path.read_bytes)])


def read_folder(path: Path) -> Iterator[Record]:
    """Every CIF and POSCAR file below a folder, in the order of their paths."""
    files = sorted(file for file in path.rglob("*") if text_kind(file) and not file.is_dir())
    yield from _text_records((file.relative_to(path), file.read_bytes) for file in files)


def read_archive(path: Path) -> Iterator[Record]:
    """Every CIF and POSCAR file in a zip or tar archive, in the order of their names."""
    yield from _text_records(_members(path))


def _text_records(named: Iterable[tuple[PurePath, Callable[[], bytes]]]) -> Iterator[Record]:
    for number, (name, read) in enumerate(named, 1):
        kind = text_kind(name)
        if kind is None:
            continue
        try:
            data = read()
            text = (gzip.decompress(data) if name.suffix == ".gz" else data).decode()
        except UNREADABLE as error:
            yield Record(number, _member_id(name), "refused", f"unreadable file: {error}", {})
        else:
            yield Record(number, _member_id(name), kind, text, {})


def _members(path: Path) -> Iterator[tuple[PurePath, Callable[[], bytes]]]:
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                if text_kind(PurePath(name)):
                    yield PurePath(name), partial(archive.read, name)
        return
    with tarfile.open(path) as archive:
        for member in sorted(archive.getmembers(), key=lambda one: one.name):
            if member.isfile() and text_kind(PurePath(member.name)):
                with archive.extractfile(member) or BytesIO() as file:
                    yield PurePath(member.name), file.read


def _member_id(path: PurePath) -> str:
    name = path.as_posix().removesuffix(".gz")
    return name.removesuffix(".cif") if text_kind(path) == "cif" else name
