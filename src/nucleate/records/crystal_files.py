"""Reading the crystal files that nucleate writes: finding them, their frames, the names of crystals.

They grow by appending while other processes read. An incomplete last frame is still being
written, or was cut short by a crash.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nucleate.cell import Cell
from nucleate.data.extxyz import cut_file, parse_header, read_frame
from nucleate.data.frames import finished, split_frames, split_lines
from nucleate.errors import DataError

PREDICTIONS = ("predictions*.extxyz",)
RUNS = (*PREDICTIONS, "generated*.extxyz", "relaxed.extxyz")


@dataclass(frozen=True)
class Frame:
    """One frame of a file.

    Attributes:
        file, number: where it stands, frames counted from 0.
        info: key=value pairs of its header.
        cell: the crystal, None where it can't be read.
        problem: the reason if there is no cell, else "".
    """

    file: str
    number: int
    info: dict[str, str]
    cell: Cell | None
    problem: str = ""

    @property
    def name(self) -> str:
        """Where it stands, for people."""
        return f"{self.file}, frame {self.number}"


def prediction_files(path: Path, patterns: Sequence[str] = PREDICTIONS) -> list[Path]:
    """The files that nucleate wrote structures to: all shards in a folder, or `path` itself if it is one.

    Empty for anything else. Trajectories and CIF, POSCAR and JSON files are copies, and are left out.
    """
    if path.is_dir():
        return sorted({file for pattern in patterns for file in path.glob(pattern) if file.is_file()})
    return [path] if path.is_file() and any(path.match(pattern) for pattern in patterns) else []


def read_prediction_files(files: Sequence[Path], unfinished: bool = False) -> tuple[list[Frame], int]:
    """All crystals of some files once, and how many frames were left out as the same crystal drawn again.

    Two frames are the same crystal where key, seed, nfe and model of their headers agree; frames without a key
    are all kept. With `unfinished`, a last frame that is still being written is left out; otherwise it is a
    DataError.
    """
    frames, seen, repeated = [], set(), 0
    for file in files:
        text = file.read_text(errors="replace")
        lines = split_lines(finished(text) if unfinished else text)
        for number, span in enumerate(split_frames(lines)):
            if span.cut:
                raise cut_file(file.name, span)
            info, cell, problem = read_frame(lines, span)
            identity = tuple(info.get(key) for key in ("key", "seed", "nfe", "model"))
            if identity[0] is not None and identity in seen:
                repeated += 1
                continue
            seen.add(identity)
            frames.append(Frame(file.name, number, info, cell, problem))
    return frames, repeated


def read_headers(path: Path) -> Iterator[tuple[dict[str, str], int]]:
    """The header of each complete frame and the byte at which the frame ends; no crystal is read.

    Raises DataError where the file is not extended XYZ.
    """
    with path.open("rb") as file:
        while count := file.readline():
            lines = [file.readline() for _ in range(1 + _atom_count(count, path))]
            if not lines[-1].endswith(b"\n"):
                return
            yield parse_header(lines[0].decode()), file.tell()


def _atom_count(line: bytes, path: Path) -> int:
    try:
        return int(line)
    except ValueError:
        raise DataError(
            f"{path} is not extended XYZ: '{line[:40]!r}' is not a number of atoms", "check the file"
        ) from None


def drop_cut_frame(path: Path) -> list[dict[str, str]]:
    """Headers of the complete frames; an incomplete last frame is removed from the file."""
    headers, end = [], 0
    for header, position in read_headers(path):
        headers.append(header)
        end = position
    if end < path.stat().st_size:
        os.truncate(path, end)
    return headers


def crystal_name(info: Mapping[str, str], file: str) -> str:
    """The name of a crystal that nucleate made, in CIF files, tables and reports.

    Args:
        info: of its header.
        file: name of the file of a run that it stands in.

    Returns "" if the header does not say which sample it is.
    """
    number = info.get("sample", "")
    if not number.isdecimal():
        return ""
    if file.startswith("generated"):
        return f"generated-{int(number):06d}"
    cell = info.get("cell") or info.get("material_id") or info.get("formula")
    plain = re.sub(r"[^\w.+()-]", "_", cell or "")
    return f"{plain}-{int(number):03d}" if plain else ""
