"""A fast reader of extended XYZ files (many frames, fixed columns): no ASE, about ten times its speed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from nucleate.elements import ATOMIC_NUMBERS
from nucleate.errors import DataError
from nucleate.metrics.reduction import Cell

_PAIR = re.compile(r"""([^\s="']+)\s*=\s*(?:"([^"]*)"|'([^']*)'|(\S+))""")


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
        except ValueError:
            raise DataError(
                f"{name}, line {start + 1}: {lines[start][:40]!r} is not a number of atoms",
                "the file is not extended XYZ, or was cut",
            ) from None
        end = start + 2 + atoms
        if end > len(lines):
            raise DataError(
                f"{name} ends within a frame that begins at line {start + 1}",
                "the file was cut: write it again",
            )
        info = {key: a or b or c for key, a, b, c in _PAIR.findall(lines[start + 1])}
        yield info, _frame(info, lines[start + 2 : end], f"{name}, line {start + 2}")
        start = end


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
        positions = np.array([row[position : position + 3] for row in fields], dtype=float).reshape(-1, 3)
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
        column += int(width)
    if "species" not in starts or "pos" not in starts:
        raise DataError(f"{where}: Properties={properties} has no species and pos", "write both columns")
    return starts["species"], starts["pos"]
