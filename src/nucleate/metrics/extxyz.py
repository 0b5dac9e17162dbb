"""A fast reader of extended XYZ files (many frames, fixed columns): no ASE, about ten times its speed.

It also knows which files of a folder of nucleate hold its structures, and how these are called everywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nucleate.cell import Cell
from nucleate.data.frames import Span, split_frames, split_lines
from nucleate.elements import ATOMIC_NUMBERS
from nucleate.errors import DataError

PREDICTIONS = ("predictions*.extxyz",)
RUNS = (*PREDICTIONS, "generated*.extxyz", "relaxed.extxyz")

UNREADABLE_NUMBERS = "unreadable extxyz: its numbers can't be read"

_PAIR = re.compile(r"""([^\s="']+)\s*=\s*(?:"([^"]*)"|'([^']*)'|(\S+))""")


@dataclass(frozen=True)
class Frame:
    """One frame of a file.

    Attributes:
        file, number: where it stands, frames counted from 0.
        info: key=value pairs of its header.
        cell: the crystal, None where it can't be read. problem: then the reason, "" otherwise.
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
    """What nucleate wrote its structures to: all shards in a folder, or `path` itself if it is one.

    Empty for anything else. Trajectories and the CIF, POSCAR and JSON files are copies, and not among them.
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
        if unfinished:
            text = _whole_frames(text)
        lines = split_lines(text)
        for number, span in enumerate(split_frames(lines)):
            if span.cut:
                raise _cut(file.name, span.start)
            info, cell, problem = _read_span(lines, span)
            identity = tuple(info.get(key) for key in ("key", "seed", "nfe", "model"))
            if identity[0] is not None and identity in seen:
                repeated += 1
                continue
            seen.add(identity)
            frames.append(Frame(file.name, number, info, cell, problem))
    return frames, repeated


def _whole_frames(text: str) -> str:
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines.pop()
    end = 0
    while end < len(lines):
        size = 2 + int(lines[end]) if lines[end].strip().isdecimal() else 1
        if end + size > len(lines):
            break
        end += size
    return "".join(lines[:end])


def read_frames(text: str, name: str) -> Iterator[tuple[dict[str, str], Cell | None]]:
    """(the info of the comment line, the crystal) of each frame; None for a frame whose numbers can't be
    read.

    Raises DataError where the file ends within a frame, is not extended XYZ, or a frame has no lattice.
    """
    lines = text.splitlines()
    start = 0
    while start < len(lines):
        if not lines[start].strip():
            start += 1
            continue
        try:
            atoms = int(lines[start])
            if atoms < 0:
                raise ValueError(atoms)
        except ValueError:
            raise DataError(
                f"{name}, line {start + 1}: {lines[start][:40]!r} is not a number of atoms",
                "the file is not extended XYZ, or was cut",
            ) from None
        end = start + 2 + atoms
        if end > len(lines):
            raise _cut(name, start)
        info = {key: a or b or c for key, a, b, c in _PAIR.findall(lines[start + 1])}
        yield info, _frame(info, lines[start + 2 : end], f"{name}, line {start + 2}")
        start = end


def read_every_frame(text: str) -> Iterator[tuple[dict[str, str], Cell | None, str]]:
    """(info of the comment line, the crystal, "") of each frame; None and the reason for one that can't be read.

    A frame that is broken costs only itself: reading goes on at the next one.
    """
    lines = split_lines(text)
    for span in split_frames(lines):
        yield _read_span(lines, span)


def _read_span(lines: list[str], span: Span) -> tuple[dict[str, str], Cell | None, str]:
    head = lines[span.start + 1] if span.start + 1 < span.end else ""
    info = {key: a or b or c for key, a, b, c in _PAIR.findall(head)}
    if span.problem:
        return info, None, f"unreadable extxyz: {span.problem}"
    try:
        cell = _frame(info, lines[span.start + 2 : span.end], f"line {span.start + 2}")
    except DataError as error:
        return info, None, f"unreadable extxyz: {error.message}"
    return info, cell, UNREADABLE_NUMBERS if cell is None else ""


def _cut(name: str, start: int) -> DataError:
    return DataError(
        f"{name} ends within a frame that begins at line {start + 1}",
        "the file was cut: write it again, for 'nucleate predict' by the same command",
    )


def _frame(info: dict[str, str], rows: list[str], where: str) -> Cell | None:
    if "Lattice" not in info:
        raise DataError(
            f"{where}: no Lattice", "write extended XYZ with a cell, for example with ase.io.write"
        )
    symbol, position = _columns(info.get("Properties", "species:S:1:pos:R:3"), where)
    try:
        lattice = np.array(info["Lattice"].split(), dtype=float).reshape(3, 3)
        fields = [row.split() for row in rows]
        numbers = np.array([ATOMIC_NUMBERS[row[symbol]] for row in fields])
        positions = np.array([row[position : position + 3] for row in fields], dtype=float).reshape(
            len(rows), 3
        )
    except (ValueError, KeyError, IndexError):
        return None
    if not len(numbers):
        return None
    try:
        frac = positions @ np.linalg.inv(lattice)
    except np.linalg.LinAlgError:
        frac = np.full_like(positions, np.nan)
    return Cell(numbers, frac, lattice)


def _columns(properties: str, where: str) -> tuple[int, int]:
    """First columns of the symbols and of the positions."""
    parts = properties.split(":")
    starts, column = {}, 0
    for name, width in zip(parts[::3], parts[2::3], strict=False):
        starts[name] = column
        column += int(width) if width.isdecimal() else 0
    if "species" not in starts or "pos" not in starts:
        raise DataError(f"{where}: Properties={properties} has no species and pos", "write both columns")
    return starts["species"], starts["pos"]
