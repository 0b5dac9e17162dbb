"""A record (text or arrays from a file) becomes a checked cell, or a reason why not.

Runs in worker processes, so only numpy is imported: the first record that needs pymatgen or ASE loads it.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from nucleate.cell import Cell
from nucleate.data.cells import closest_distance, niggli, primitive, standardise
from nucleate.data.cif import read_p1_cif
from nucleate.data.cif_pymatgen import one_line, read_any_cif
from nucleate.elements import ATOMIC_MASSES, MAX_ATOMIC_NUMBER
from nucleate.errors import DataError, StructureError
from nucleate.settings import MOST_STEPS, within

DENSITY_UNIT = 1.66053907
"""g/cm³ in one u/Å³."""

Kind = Literal["cif", "poscar", "extxyz", "structure", "cell", "refused"]


@dataclass(frozen=True)
class Record:
    """One crystal as its source holds it.

    Attributes:
        row: its place in the source, counted from 1.
        id: its name.
        kind: what `payload` is: text of a file, a pymatgen dictionary, a Cell, or the reason of a refusal.
        properties: whatever else the source says about it.
    """

    row: int
    id: str
    kind: Kind
    payload: Any
    properties: dict[str, Any]


@dataclass(frozen=True)
class CellSettings:
    """What is done to each cell and what is refused.

    Attributes:
        reduce: take the primitive, Niggli-reduced cell.
        tolerance: two atoms are images of each other within this, Å; as spglib's symprec.
        min_distance: closer atoms are refused, Å.
        max_atoms: larger cells (after reduction) are refused; None for no limit.
        max_length: longer cell vectors (after reduction) are refused, Å.
        volume_per_atom: least and most, Å³; what lies outside is refused.
        density: least and most, g/cm³; what lies outside is refused.
    """

    reduce: bool = True
    tolerance: float = 0.01
    min_distance: float = 0.5
    max_atoms: int | None = None
    max_length: float = 500.0
    volume_per_atom: tuple[float, float] = (0.5, 2000.0)
    density: tuple[float, float] = (0.01, 50.0)

    def __post_init__(self) -> None:
        within(self, 1e-6, 1.0, "tolerance", error=DataError)
        within(self, 0, 10.0, "min_distance", error=DataError)
        within(self, 1, MOST_STEPS, "max_atoms", error=DataError)
        within(self, 1.0, 1e6, "max_length", error=DataError)


def parse_all(records: list[Record], settings: CellSettings) -> list[tuple[Cell, dict[str, Any]] | str]:
    """For each record its cell and properties, or the reason for which it is refused."""
    return [parse(record, settings) for record in records]


def parse(record: Record, settings: CellSettings) -> tuple[Cell, dict[str, Any]] | str:
    """The checked cell and the properties of one record, or the reason for which it is refused."""
    try:
        cell, found = read(record)
        return check(cell, settings), {**found, **record.properties}
    except StructureError as error:
        return error.message


def read(record: Record) -> tuple[Cell, dict[str, Any]]:
    """The cell and properties of a record, unchecked. Raises StructureError and nothing else."""
    try:
        return READERS[record.kind](record.payload)
    except StructureError:
        raise
    except Exception as error:  # one bad row must not stop the others, whatever it makes a reader raise
        raise StructureError(f"unreadable {record.kind}: {one_line(error)}") from error


def check(cell: Cell, settings: CellSettings) -> Cell:
    """The cell as the data set keeps it. Raises StructureError with the reason when it is refused."""
    if not len(cell.species):
        raise StructureError("no atoms")
    if cell.species.min() < 1 or cell.species.max() > MAX_ATOMIC_NUMBER:
        raise StructureError("unknown element")
    _check_size(cell, settings)
    cell = standardise(cell)
    # Judged in the reduced cell whichever is kept: only there are the nearest images sure to be among the 27.
    reduced = niggli(primitive(cell, settings.tolerance) if settings.reduce else cell)
    distance = closest_distance(reduced)
    if distance < settings.min_distance:
        raise StructureError(f"atoms {distance:.3f} Å apart (least allowed: {settings.min_distance:g})")
    kept = reduced if settings.reduce else cell
    if settings.max_atoms is not None and len(kept.species) > settings.max_atoms:
        raise StructureError(f"{len(kept.species)} atoms (most allowed: {settings.max_atoms})")
    longest = float(np.linalg.norm(kept.lattice, axis=1).max())
    if longest > settings.max_length:
        raise StructureError(f"cell vector too long: {longest:.4g} Å (at most {settings.max_length:g})")
    return kept


def _check_size(cell: Cell, settings: CellSettings) -> None:
    if not cell.finite:
        raise StructureError("coordinates or cell vectors are not finite")
    volume = cell.volume
    mass = float(np.array(ATOMIC_MASSES)[cell.species].sum())
    for name, value, unit, (least, most) in (
        ("volume per atom", volume / len(cell.species), "Å³", settings.volume_per_atom),
        ("density", mass * DENSITY_UNIT / volume if volume else np.inf, "g/cm³", settings.density),
    ):
        if not (least <= value <= most and 0 < value < np.inf):
            raise StructureError(f"{name} out of limits: {value:.4g} {unit} (from {least:g} to {most:g})")


def read_cif(text: str) -> tuple[Cell, dict[str, Any]]:
    """A CIF text: P1 in pymatgen's layout directly, anything else through pymatgen."""
    cell = read_p1_cif(text)
    return (cell if cell is not None else Cell.of(read_any_cif(text))), {}


def read_poscar(text: str) -> tuple[Cell, dict[str, Any]]:
    """A POSCAR text. Raises StructureError with pymatgen's own words when it can't be read."""
    from pymatgen.core import Structure

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            structure = Structure.from_str(text, fmt="poscar")
        except Exception as error:  # pymatgen raises nearly anything on foreign text
            raise StructureError(f"unreadable poscar: {one_line(error)}") from error
    return Cell.of(structure), {}


def read_structure(payload: dict[str, Any]) -> tuple[Cell, dict[str, Any]]:
    """A pymatgen Structure as a dictionary."""
    from pymatgen.core import Structure

    try:
        structure = Structure.from_dict(payload)
    except (KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise StructureError(f"unreadable structure: {one_line(error)}") from error
    return Cell.of(structure), {}


def read_extxyz(text: str) -> tuple[Cell, dict[str, Any]]:
    """One frame of an extxyz file, with the properties of its comment line."""
    from io import StringIO

    from ase import Atoms
    from ase.io import read

    try:
        atoms = read(StringIO(text), format="extxyz")
    except Exception as error:  # ASE's reader raises nearly anything on foreign text
        raise StructureError(f"unreadable extxyz: {one_line(error)}") from error
    assert isinstance(atoms, Atoms)
    return from_atoms(atoms), {**atoms.info, **_energy(atoms)}


def from_atoms(atoms) -> Cell:
    """From ASE Atoms of a file. Raises StructureError without a three-dimensional cell of finite numbers."""
    if not (np.isfinite(atoms.cell.array).all() and np.isfinite(atoms.positions).all()):
        raise StructureError("coordinates or cell vectors are not finite")
    return Cell.of_atoms(atoms)


def _energy(atoms) -> dict[str, float]:
    results = atoms.calc.results if atoms.calc is not None else {}
    return {"energy": float(results["energy"])} if "energy" in results else {}


def read_refused(reason: str) -> tuple[Cell, dict[str, Any]]:
    """A record that its source could not give: raises StructureError with that reason."""
    raise StructureError(reason)


READERS = {
    "cif": read_cif,
    "poscar": read_poscar,
    "extxyz": read_extxyz,
    "structure": read_structure,
    "cell": lambda cell: (cell, {}),
    "refused": read_refused,
}
