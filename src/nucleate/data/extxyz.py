"""Extended XYZ, the format of every file of results: one writer, one reader; ASE and OVITO open it.

Written and read here without ASE, as prediction needs no more than numpy, and about ten times as fast. Import of data
sets reads frames with ASE (nucleate.data.parse), which takes whatever columns and properties others write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from nucleate.cell import Cell
from nucleate.data.frames import Span, split_frames, split_lines
from nucleate.elements import ATOMIC_NUMBERS, SYMBOLS
from nucleate.errors import DataError

UNREADABLE_NUMBERS = "unreadable extxyz: its numbers can't be read"

_PAIR = re.compile(r"""([^\s="']+)\s*=\s*(?:"([^"]*)"|'([^']*)'|(\S+))""")


def frame_text(species: np.ndarray, frac: np.ndarray, lattice: np.ndarray, info: dict[str, object]) -> str:
    """One frame: species [atoms], frac [atoms, 3], lattice [3, 3] in Å, further key=value pairs for its header."""
    cell = " ".join(f"{x:.8f}" for x in lattice.reshape(-1))
    pairs = " ".join(f"{key}={_quote(value)}" for key, value in info.items() if value is not None)
    lines = [str(len(species)), f'Lattice="{cell}" Properties=species:S:1:pos:R:3 {pairs} pbc="T T T"']
    for number, (x, y, z) in zip(species, frac @ lattice, strict=True):
        lines.append(f"{SYMBOLS[int(number)]:2s} {x:16.8f} {y:16.8f} {z:16.8f}")
    return "\n".join(lines) + "\n"


def _quote(value: object) -> str:
    text = str(value)
    return f'"{text}"' if not text or any(c in text for c in ' ="') else text


def parse_header(line: str) -> dict[str, str]:
    """key=value pairs of a frame's second line."""
    return {key: a or b or c for key, a, b, c in _PAIR.findall(line)}


def read_every_frame(text: str) -> Iterator[tuple[dict[str, str], Cell | None, str]]:
    """(pairs of the header, the crystal, "") of each frame; None and the reason for one that can't be read.

    A broken frame affects only itself: reading continues at the next one.
    """
    lines = split_lines(text)
    for span in split_frames(lines):
        yield read_frame(lines, span)


def read_sound_frames(text: str, name: str) -> Iterator[tuple[dict[str, str], Cell | None]]:
    """(pairs of the header, the crystal) of each frame; None for a frame whose numbers can't be read.

    Raises DataError where the file ends within a frame, is not extended XYZ, or a frame has no lattice.
    """
    lines = split_lines(text)
    for span in split_frames(lines):
        if span.cut:
            raise cut_file(name, span)
        if span.problem:
            raise DataError(f"{name}, {span.problem}", "the file is not extended XYZ, or was cut")
        info = parse_header(lines[span.start + 1])
        yield info, _cell(info, lines[span.start + 2 : span.end], f"{name}, line {span.start + 2}")


def read_frame(lines: Sequence[str], span: Span) -> tuple[dict[str, str], Cell | None, str]:
    """One of the frames that `split_frames` finds: (pairs of the header, the crystal, "") or None and the reason."""
    info = parse_header(lines[span.start + 1]) if span.start + 1 < span.end else {}
    if span.problem:
        return info, None, f"unreadable extxyz: {span.problem}"
    try:
        cell = _cell(info, lines[span.start + 2 : span.end], f"line {span.start + 2}")
    except DataError as error:
        return info, None, f"unreadable extxyz: {error.message}"
    return info, cell, UNREADABLE_NUMBERS if cell is None else ""


def cut_file(name: str, span: Span) -> DataError:
    """The error for a file that ends within a frame."""
    return DataError(
        f"{name} ends within a frame that begins at line {span.start + 1}",
        "the file was cut: write it again, for 'nucleate predict' by the same command",
    )


def _cell(info: dict[str, str], rows: Sequence[str], where: str) -> Cell | None:
    if "Lattice" not in info:
        raise DataError(
            f"{where}: no Lattice", "write extended XYZ with a cell, for example with ase.io.write"
        )
    symbol, position = _columns(info.get("Properties", "species:S:1:pos:R:3"), where)
    try:
        lattice = np.array(info["Lattice"].split(), dtype=float).reshape(3, 3)
        fields = [row.split() for row in rows]
        numbers = np.array([ATOMIC_NUMBERS[row[symbol]] for row in fields])
        positions = np.array([row[position : position + 3] for row in fields], dtype=float)
        positions = positions.reshape(len(rows), 3)
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
