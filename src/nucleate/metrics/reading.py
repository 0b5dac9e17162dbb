"""Reading crystals from runs of nucleate, and from folders, archives and files of CIF, extxyz, POSCAR and JSON."""

from __future__ import annotations

import re
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from nucleate.cell import Cell
from nucleate.data.extxyz import read_every_frame
from nucleate.data.parse import Record, read
from nucleate.data.sources import UNREADABLE
from nucleate.errors import DataError, StructureError
from nucleate.records.crystal_files import PREDICTIONS, prediction_files, read_prediction_files

KINDS = "CIF, extended XYZ or POSCAR files"


@dataclass(frozen=True)
class Found:
    """One crystal as it was found.

    Attributes:
        name: the file and the frame, for people.
        stem: the file's name without folder, ending and POSCAR prefix.
        number: of the frame in its file, from 0; None for a file that holds one crystal.
        info: key=value pairs of its header.
        cell: the crystal, None where it can't be read.
        problem: the reason if there is no cell, else "".
    """

    name: str
    stem: str
    number: int | None = None
    info: dict[str, str] = field(default_factory=dict)
    cell: Cell | None = None
    problem: str = ""


def read_structures(path: Path, runs: Sequence[str] = PREDICTIONS) -> tuple[list[Found], int]:
    """Every crystal of a file, folder, zip or tar, and how many frames of a run were repetitions.

    In a folder with files that match `runs` only these are read, and a crystal drawn twice counts once. An unreadable
    crystal has no cell. Raises DataError for a missing path, for an archive or a file of a run
    that is cut, and where nothing is found.
    """
    if not path.exists():
        raise DataError(
            f"no predictions at {path}", "give the folder that 'nucleate predict --out' wrote, or a file"
        )
    repeated = 0
    if files := prediction_files(path, runs):
        own, repeated = read_prediction_files(files)
        found = [
            Found(frame.name, Path(frame.file).stem, frame.number, frame.info, frame.cell, frame.problem)
            for frame in own
        ]
    else:
        found = [one for name, text in _texts(path) for one in _read(name, text)]
    if not found:
        raise DataError(f"no structures in {path}", f"give {KINDS}, a folder or zip of them")
    return found, repeated


def _texts(path: Path) -> Iterator[tuple[str, str | StructureError]]:
    """(name, content or why it can't be read) of each structure file."""
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if _kind(file.name) and not file.is_dir():
                yield str(file.relative_to(path)), _text(file.read_bytes)
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in _wanted(archive.namelist()):
                yield name, _text(partial(archive.read, name))
    elif tarfile.is_tarfile(path):
        yield from _tar_texts(path)
    else:
        yield path.name, _text(path.read_bytes)


def _text(read: Callable[[], bytes]) -> str | StructureError:
    try:
        return read().decode(errors="replace")
    except UNREADABLE as error:
        return StructureError(f"unreadable file: {error}")


def _tar_texts(path: Path) -> Iterator[tuple[str, str | StructureError]]:
    try:
        with tarfile.open(path) as archive:
            for name in _wanted(member.name for member in archive if member.isfile()):
                file = archive.extractfile(name)
                yield name, file.read().decode(errors="replace") if file else ""
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataError(f"{path} can't be read ({error})", "the archive was cut: fetch it again") from error


def _wanted(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if _kind(Path(name).name))


def _kind(name: str) -> str:
    lower = name.lower()
    if lower.endswith((".xyz", ".extxyz")):
        return "extxyz"
    if lower.endswith(".cif"):
        return "cif"
    if lower.endswith((".vasp", ".poscar")) or lower.startswith(("poscar", "contcar")):
        return "poscar"
    return ""


def _read(name: str, text: str | StructureError) -> Iterator[Found]:
    stem, kind = Path(name).stem, _kind(Path(name).name)
    if stem.upper() in ("POSCAR", "CONTCAR"):
        stem = Path(name).parent.name
    stem = re.sub(r"^(POSCAR|CONTCAR)[_-]", "", stem, flags=re.IGNORECASE)
    if isinstance(text, StructureError):
        yield Found(name, stem, problem=text.message)
    elif kind == "extxyz":
        for number, (info, cell, problem) in enumerate(read_every_frame(text)):
            yield Found(f"{name}, frame {number}", stem, number, info, cell, problem)
    else:
        cell, problem = read_record(Record(1, name, "poscar" if kind == "poscar" else "cif", text, {}))
        yield Found(name, stem, None, {}, cell, problem)


def read_record(record: Record) -> tuple[Cell | None, str]:
    """The crystal of a record of nucleate.data.sources, unchanged, or None and the reason."""
    try:
        cell = read(record)[0]
    except StructureError as error:
        return None, error.message
    return (cell, "") if len(cell.species) else (None, "no atoms")
