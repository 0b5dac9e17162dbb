"""One calculation that is asked for: a crystal, where it comes from, and how it is to be computed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.errors import DataError, NucleateError
from nucleate.files import parse_json, write_whole

PROVENANCE = "provenance.json"
VERSION = 1
Value = str | float | int | bool | None


@dataclass(frozen=True)
class Settings:
    """How crystals are computed, whatever the program.

    Attributes:
        relax: whether atoms and cell move; else one energy of the crystal as it is.
        cutoff: of plane waves, eV.
        k_density: k-points for each Å^-3 of reciprocal volume, as the Materials Project counts them.
        fmax: largest force at the end of a relaxation, eV/Å.
        magnetic: whether atoms begin with magnetic moments, parallel, where the Materials Project gives them any.
    """

    relax: bool = True
    cutoff: float = 520.0
    k_density: float = 64.0
    fmax: float = 0.02
    magnetic: bool = True

    def __post_init__(self) -> None:
        for name, least, most in (("cutoff", 50, 5000), ("k_density", 0.1, 1e5), ("fmax", 1e-5, 10)):
            value = getattr(self, name)
            if not least <= value <= most:
                raise NucleateError(f"{name} = {value} is out of range", f"give {least:g} to {most:g}")


@dataclass(frozen=True)
class Request:
    """A crystal to be computed.

    Attributes:
        id: of the candidate; the name of its folder.
        cell: the crystal.
        source: what made it.
        plan: name of the plan it was found by.
        values: what is known of it: energies by potential, predictions.
    """

    id: str
    cell: Cell
    source: str = ""
    plan: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.id or Path(self.id).name != self.id or self.id in (".", ".."):
            raise NucleateError(f"'{self.id}' can't name a folder", "take letters, digits, '-' and '_'")


def digest(cell: Cell) -> str:
    """A hash of a crystal as it is written, to ten decimal places."""
    parts = (cell.species.astype("<i8"), np.round(cell.frac, 10) + 0.0, np.round(cell.lattice, 10) + 0.0)
    return hashlib.sha256(b"".join(np.ascontiguousarray(one).tobytes() for one in parts)).hexdigest()[:16]


def write_provenance(folder: Path, request: Request, code: str, settings: Settings, notes: list[str]) -> None:
    """What the inputs in a folder were made of, beside them."""
    content = {
        "format": VERSION,
        "candidate": request.id,
        "source": request.source,
        "plan": request.plan,
        "code": code,
        "settings": asdict(settings),
        "crystal": digest(request.cell),
        "values": dict(request.values),
        "notes": notes,
    }
    write_whole(folder / PROVENANCE, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def read_provenance(path: Path) -> dict[str, Any]:
    """What `write_provenance` wrote. Raises DataError for a file that is none."""
    try:
        content = parse_json(path.read_bytes())
        if content["format"] != VERSION or not isinstance(content["candidate"], str):
            raise KeyError("format")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} does not say which candidate was computed ({error})", "write the inputs again"
        ) from None
    return content


def provenance_of(path: Path, root: Path) -> dict[str, Any] | None:
    """The provenance of a result: of the nearest folder above it, up to `root`, that has one."""
    for folder in (path.parent, *path.parent.parents):
        if (folder / PROVENANCE).is_file():
            return read_provenance(folder / PROVENANCE)
        if folder == root:
            break
    return None
