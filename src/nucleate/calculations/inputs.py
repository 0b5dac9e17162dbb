"""Inputs of calculations: OUT/CANDIDATE/CODE, each checked by reading it back, with its provenance beside it.

| code | program | files |
|---|---|---|
| `vasp` | VASP | INCAR, KPOINTS, POSCAR, POTCAR or POTCAR.spec |
| `espresso` | pw.x of Quantum ESPRESSO | espresso.pwi |
| `gpaw` | GPAW | run.py, crystal.xyz |
| `abinit` | ABINIT | abinit.in |
| `atomate2` | VASP through atomate2 and jobflow | flow.json |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from nucleate.calculations import abinit, atomate2, espresso, gpaw, vasp
from nucleate.calculations.request import (
    PROVENANCE,
    Request,
    Settings,
    digest,
    read_provenance,
    write_provenance,
)
from nucleate.cell import Cell
from nucleate.errors import DataError, NucleateError
from nucleate.files import writing

CODES: dict[str, ModuleType] = {
    "vasp": vasp,
    "espresso": espresso,
    "gpaw": gpaw,
    "abinit": abinit,
    "atomate2": atomate2,
}
CLOSE = 1e-4
"""Å; a crystal that is read back has to be where it was."""


def check_codes(codes: Sequence[str]) -> None:
    """Raise NucleateError for a program that no inputs can be written for, or for none."""
    for code in codes:
        if code not in CODES:
            raise NucleateError(f"no inputs can be written for '{code}'", f"choose among {', '.join(CODES)}")
    if not codes:
        raise NucleateError("no program is named", f"choose among {', '.join(CODES)}")


def check_installed(codes: Sequence[str]) -> None:
    """Raise MissingPackageError where the inputs of a program need a package that is not installed."""
    if "atomate2" in codes:
        atomate2.check()


def write_inputs(
    request: Request, out: Path, codes: Sequence[str] = ("vasp",), settings: Settings = Settings()
) -> list[Path]:
    """Inputs of one candidate for some programs; returns their folders.

    Raises NucleateError for an unknown program and where files can't be written, DataError where a file that was
    written does not give back the crystal.
    """
    check_codes(codes)
    request = replace(request, cell=right_handed(request.cell))
    folders = []
    for code in codes:
        folder = out / request.id / code
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            notes = CODES[code].write(folder, request.cell, settings)
            _check(CODES[code].read_back, folder, request.cell)
            write_provenance(folder, request, code, settings, notes)
        folders.append(folder)
    return folders


def are_written(request: Request, out: Path, codes: Sequence[str], settings: Settings) -> bool:
    """Whether the inputs of a crystal are there, with these settings."""
    cell = digest(right_handed(request.cell))
    for code in codes:
        path = out / request.id / code / PROVENANCE
        if not path.is_file():
            return False
        made = read_provenance(path)
        if (made.get("crystal"), made.get("settings")) != (cell, asdict(settings)):
            return False
    return True


def right_handed(cell: Cell) -> Cell:
    """The same crystal on a right-handed basis, which some programs need, with coordinates in [0, 1)."""
    if np.linalg.det(cell.lattice) < 0:
        cell = cell._replace(frac=-cell.frac, lattice=-cell.lattice)
    return cell._replace(frac=cell.frac % 1.0)


def _check(read_back: Callable[[Path], Cell], folder: Path, cell: Cell) -> None:
    """Raise DataError unless the written crystal is the one that was given."""
    try:
        found = read_back(folder)
    except Exception as error:  # whatever a reader of another package raises
        raise DataError(f"{folder} can't be read back ({error})", "report this crystal") from error
    if not same_crystal(found, cell):
        raise DataError(f"{folder} holds another crystal than the one that was given", "report this crystal")


def same_crystal(one: Cell, other: Cell) -> bool:
    """Whether two cells are the same atom by atom, up to the order of atoms and whole lattice vectors."""
    if len(one.species) != len(other.species) or not _near(one.lattice, other.lattice):
        return False
    free = list(range(len(other.species)))
    for z, frac in zip(one.species, one.frac, strict=True):
        gaps = other.frac[free] - frac
        gaps = np.linalg.norm((gaps - np.round(gaps)) @ other.lattice, axis=1)
        fits = np.flatnonzero((gaps < CLOSE) & (other.species[free] == z))
        if not len(fits):
            return False
        free.pop(int(fits[0]))
    return True


def _near(one: Any, other: Any) -> bool:
    return bool(np.abs(np.asarray(one) - np.asarray(other)).max() < CLOSE)
