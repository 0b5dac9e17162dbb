"""A folder of generated crystals as a table, with one file for each usable crystal."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from pymatgen.core import Structure

from nucleate.data.cell_forms import CellForm, space_group
from nucleate.data.structure_files import FORMATS, write_structure
from nucleate.defects import defect
from nucleate.errors import DataError
from nucleate.files import writing
from nucleate.metrics.usable import USABLE
from nucleate.records.crystal_files import RUNS, Frame, crystal_name, prediction_files, read_prediction_files
from nucleate.records.job_folder import is_job

ASKED = ("target_", "guidance_", "towards_", "elements", "allowed")
"""How the entries of a header begin that say what was asked of a crystal."""


@dataclass(frozen=True)
class InventoryEntry:
    """One generated crystal.

    Attributes:
        name: name of its files, without ending.
        formula: formula of the cell.
        usable: see `nucleate.metrics.usable`.
        space_group: symbol at 0.1 Å.
        volume: Å^3 for each atom.
        seed, nfe, model: how it was made.
        asked: what was asked of it besides, such as `target_tc`, by name.
    """

    name: str
    formula: str
    atoms: int
    usable: bool
    space_group: str
    volume: float
    seed: str
    nfe: str
    model: str
    asked: tuple[tuple[str, str], ...] = ()

    @property
    def origin(self) -> str:
        """One line on where the structure comes from."""
        return f"{self.formula} {self.name} seed={self.seed} nfe={self.nfe} model={self.model} made with nucleate"


def inventory(folder: Path) -> Iterator[tuple[InventoryEntry, Structure | None]]:
    """All crystals of a folder of `nucleate generate`, in the order of their numbers."""
    files = prediction_files(folder, RUNS)
    if not files and not is_job(folder):
        raise DataError(f"no crystals in {folder}", "make some with 'nucleate generate --out FOLDER'")
    frames = read_prediction_files(files, unfinished=True)[0]
    for frame in sorted(frames, key=lambda frame: int(frame.info.get("sample", 0))):
        yield _entry(frame)


def _entry(frame: Frame) -> tuple[InventoryEntry, Structure | None]:
    info, structure = frame.info, None if frame.cell is None else frame.cell.to_structure()
    usable = defect(frame.cell, USABLE) is None
    entry = InventoryEntry(
        name=crystal_name({"sample": "0"} | info, "generated"),
        formula=info.get("cell", info.get("formula", "?")),
        atoms=0 if structure is None else len(structure),
        usable=usable,
        space_group=space_group(frame.cell) if frame.cell is not None and usable else "-",
        volume=float("nan") if structure is None else structure.volume / len(structure),
        seed=info.get("seed", "?"), nfe=info.get("nfe", "?"), model=info.get("model", "?"),
        asked=tuple((key, value) for key, value in info.items() if key.startswith(ASKED)),
    )  # fmt: skip
    return entry, structure


def write_inventory(folder: Path, kinds: Sequence[str], form: CellForm | None = None) -> list[InventoryEntry]:
    """Write FOLDER/generated.csv, and FOLDER/KIND/ with one file for each usable crystal in the chosen cell form.

    Returns the table.
    """
    form, entries = form or CellForm(), []
    for kind in kinds:
        with writing(folder / kind):
            (folder / kind).mkdir(exist_ok=True)
    for entry, structure in inventory(folder):
        entries.append(entry)
        for kind in kinds:
            if structure is None or not entry.usable:
                continue
            copy, origin = form.copy(structure, entry.origin)
            write_structure(copy, folder / kind / f"{entry.name}{FORMATS[kind]}", kind, origin)
    _write_table(folder / "generated.csv", entries)
    return entries


def _write_table(path: Path, entries: Sequence[InventoryEntry]) -> None:
    """A row for each crystal, with a column for everything that was asked of any."""
    more = dict.fromkeys(name for entry in entries for name, _ in entry.asked)
    names = [field.name for field in fields(InventoryEntry) if field.name != "asked"]
    with writing(path), path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*names, *more])
        writer.writeheader()
        for entry in entries:
            writer.writerow({name: getattr(entry, name) for name in names} | dict(entry.asked))
