"""Extended XYZ, the one file of results that every job writes: append-only, readable by ASE and OVITO.

Written and read here without ASE, as prediction needs no more than numpy. A frame that was cut short is dropped.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from nucleate.elements import SYMBOLS
from nucleate.errors import DataError


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


def read_headers(path: Path) -> Iterator[tuple[dict[str, str], int]]:
    """The header of each complete frame and the byte at which the frame ends."""
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
            f"{path} is not extended XYZ: '{line[:40]!r}' is no number of atoms", "check the file"
        ) from None


def parse_header(line: str) -> dict[str, str]:
    """key=value pairs of a frame's second line."""
    return dict(pair.split("=", 1) for pair in shlex.split(line) if "=" in pair)


def crystal_name(info: Mapping[str, str], file: str) -> str:
    """What a crystal that nucleate made is called: the name of its CIF files, in the tables and in reports.

    Args:
        info: of its header. file: name of the file of a run that it stands in.

    Returns "" where the header does not say which sample it is.
    """
    number = info.get("sample", "")
    if not number.isdecimal():
        return ""
    if file.startswith("generated"):
        return f"generated-{int(number):06d}"
    cell = info.get("cell") or info.get("material_id") or info.get("formula")
    plain = re.sub(r"[^\w.+()-]", "_", cell or "")
    return f"{plain}-{int(number):03d}" if plain else ""


def drop_cut_frame(path: Path) -> list[dict[str, str]]:
    """Headers of the complete frames; what a crash left of the last one is cut off the file."""
    headers, end = [], 0
    for header, position in read_headers(path):
        headers.append(header)
        end = position
    if end < path.stat().st_size:
        os.truncate(path, end)
    return headers
