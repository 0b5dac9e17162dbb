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
from nucleate.defects import Measure, Rule, Rules, above, below, defect, has_atoms, is_finite, known_elements
from nucleate.errors import DataError, StructureError
from nucleate.measures import atoms, density, longest, volume_per_atom
from nucleate.settings import MOST_STEPS, within

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
    """How each cell is treated, and which are refused.

    Attributes:
        reduce: take the primitive, Niggli-reduced cell.
        tolerance: two atoms are images of each other within this, Å; as spglib's symprec.
        min_distance: closer atoms are refused, Å.
        max_atoms: larger cells (after reduction) are refused; None for no limit.
        max_length: longer cell vectors (after reduction) are refused, Å.
        volume_per_atom: allowed range, Å³; crystals outside are refused.
        density: allowed range, g/cm³; crystals outside are refused.
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

    @property
    def as_given(self) -> Rules:
        """Rules for a cell as its source has it."""
        return Rules(
            (
                has_atoms("no atoms"),
                known_elements("unknown element"),
                is_finite("coordinates or cell vectors are not finite"),
                _window("volume per atom", volume_per_atom, self.volume_per_atom, "Å³"),
                _window("density", density, self.density, "g/cm³"),
            )
        )

    @property
    def reduced(self) -> Rules:
        """Rules for the reduced cell."""
        reason = "atoms {value:.3f} Å apart (least allowed: {least:g})"
        return Rules((Rule(reason, closest_distance, least=self.min_distance),))

    @property
    def kept(self) -> Rules:
        """Rules for the cell that is kept."""
        most = np.inf if self.max_atoms is None else self.max_atoms
        return Rules(
            (
                Rule("{value} atoms (most allowed: {most})", atoms, most=most),
                Rule("cell vector too long: {value:.4g} Å (at most {most:g})", longest, most=self.max_length),
            )
        )


def _window(name: str, measure: Measure, window: tuple[float, float], unit: str) -> Rule:
    """A finite number above 0 within a window."""
    least, most = window
    reason = f"{name} out of limits: {{value:.4g}} {unit} (from {least:g} to {most:g})"
    return Rule(reason, measure, max(least, above(0)), min(most, below(np.inf)))


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
    _refuse(cell, settings.as_given)
    cell = standardise(cell)
    # Judged in the reduced cell whichever is kept: only there are the nearest images sure to be among the 27.
    reduced = niggli(primitive(cell, settings.tolerance) if settings.reduce else cell)
    _refuse(reduced, settings.reduced)
    kept = reduced if settings.reduce else cell
    _refuse(kept, settings.kept)
    return kept


def _refuse(cell: Cell, rules: Rules) -> None:
    if reason := defect(cell, rules):
        raise StructureError(reason)


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
        found = read(StringIO(text), format="extxyz")
    except Exception as error:  # ASE's reader raises nearly anything on foreign text
        raise StructureError(f"unreadable extxyz: {one_line(error)}") from error
    assert isinstance(found, Atoms)
    return from_atoms(found), {**found.info, **_energy(found)}


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
