"""Listings from files: each kind by the reader that its files have, with columns for what these say."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.data.dataset import Dataset
from nucleate.data.table import CrystalTable
from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.errors import DataError
from nucleate.metrics.dng.report import DngReport
from nucleate.records.crystal_files import (
    RUNS,
    Frame,
    crystal_name,
    prediction_files,
    read_prediction_files,
)
from nucleate.report.dng_table import rows as report_rows
from nucleate.report.files import load
from nucleate.web.listing import GROUP, Listing, make_listing, own_columns
from nucleate.web.titles import arranged

GROUPS = ("spacegroup.number", "space_group_number", "spacegroup")
"""Columns of data sets that hold the number of the space group."""
NAMED_ELSEWHERE = ("sample", "formula", "key", "name")
"""Entries of a header that no column repeats."""


def of_dataset(path: Path) -> Listing:
    """All splits of a data set, one after another."""
    dataset = Dataset.open(path)
    tables = {name: dataset.split(name) for name in dataset.splits}
    return of_tables(tables)


def of_tables(tables: Mapping[str, CrystalTable]) -> Listing:
    """Crystals in tables, with the name of the split."""
    parts = list(tables.values())
    starts = np.cumsum([0, *(len(part) for part in parts)])
    own_values, holds = own_columns(
        [name for part in parts for name in part.ids],
        np.concatenate([part.species for part in parts]),
        np.concatenate([[0], np.cumsum(np.concatenate([part.sizes for part in parts]))]),
        np.concatenate([part.lattice for part in parts]),
    )
    names = list(dict.fromkeys(name for part in parts for name in part.properties))
    more: dict[str, Any] = {
        name: _joined([part.properties.get(name) for part in parts], parts) for name in names
    }
    known = next((more.pop(name) for name in GROUPS if name in more), None)
    groups = None if known is None or known.dtype == object else np.nan_to_num(known)
    more = {_free(name, own_values): values for name, values in more.items()}
    splits = np.repeat(np.array(list(tables), dtype=object), [len(part) for part in parts])
    more["split"] = splits

    def place(row: int) -> tuple[CrystalTable, int]:
        part = int(np.searchsorted(starts, row, side="right")) - 1
        return parts[part], row - int(starts[part])

    def cell(row: int) -> Cell:
        table, at = place(row)
        return table.cell(at)

    columns = arranged(more)
    return make_listing(columns, own_values, more, holds, groups, cell, lambda row: {})


def _joined(columns: Sequence[np.ndarray | None], parts: Sequence[CrystalTable]) -> np.ndarray:
    """A property of all splits, unknown in those that lack it."""
    words = any(column is not None and column.dtype == object for column in columns)
    nothing = None if words else np.nan
    kind = object if words else float
    pairs = zip(columns, parts, strict=True)
    return np.concatenate(
        [np.full(len(part), nothing, kind) if column is None else column for column, part in pairs]
    )


def _free(name: str, taken: Mapping[str, Any]) -> str:
    return f"{name} (given)" if name in taken or name in (GROUP, "split") else name


def of_frames(path: Path) -> Listing:
    """Crystals that nucleate wrote: every frame with what its header says; answers come by formula and rank."""
    files = prediction_files(path, RUNS)
    frames = read_prediction_files(files, unfinished=True)[0]
    frames = sorted(frames, key=lambda one: (one.info.get("formula", ""), _whole(one.info.get("sample"))))
    said = [{**frame.info, "file": frame.name, "problem": frame.problem} for frame in frames]
    more = _headers([frame.info for frame in frames]) | _relaxations(path, frames)
    return of_cells([_name(frame) for frame in frames], [frame.cell for frame in frames], more, said)


def of_said(names: Sequence[str], cells: Sequence[Cell | None], said: Sequence[Mapping[str, str]]) -> Listing:
    """Crystals in memory with what is said of each, as headers of files say it."""
    return of_cells(names, cells, _headers(said), said)


def of_cells(
    names: Sequence[str],
    cells: Sequence[Cell | None],
    more: Mapping[str, Any],
    said: Sequence[Mapping[str, str]] = (),
) -> Listing:
    """Crystals in memory with further columns. A cell that is not finite, or None, has no values of its own.

    said: facts of each.
    """
    sound = [
        cell if cell is not None and cell.finite and cell.species.max() <= MAX_ATOMIC_NUMBER else None
        for cell in cells
    ]
    sizes = [0 if cell is None else len(cell.species) for cell in sound]
    species = [cell.species for cell in sound if cell is not None]
    own_values, holds = own_columns(
        names,
        np.concatenate(species) if species else np.zeros(0, dtype=np.int64),
        np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]),
        np.stack([np.full((3, 3), np.nan) if cell is None else cell.lattice for cell in sound])
        if sound else np.zeros((0, 3, 3)),
    )  # fmt: skip
    columns = arranged(more)

    def facts(row: int) -> Mapping[str, str]:
        return said[row] if said else {}

    return make_listing(columns, own_values, more, holds, None, sound.__getitem__, facts)


def _headers(headers: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """What headers say, as columns: numbers where all that is said are numbers. Answers have their rank too."""
    left = {"Lattice", "Properties", "pbc", *NAMED_ELSEWHERE}
    names = dict.fromkeys(name for header in headers for name in header if name not in left)
    found = {name: _column([header.get(name) for header in headers]) for name in names}
    if "probability" in found:
        found = {"rank": np.array([_whole(one.get("sample")) + 1.0 for one in headers]), **found}
    return found


def _column(values: Sequence[str | None]) -> Any:
    try:
        return np.array([np.nan if value in (None, "") else float(value) for value in values])
    except ValueError:
        return list(values)


def _name(frame: Frame) -> str:
    return frame.info.get("name") or crystal_name(frame.info, frame.file) or f"{frame.file} {frame.number}"


def _whole(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0


def _relaxations(path: Path, frames: Sequence[Frame]) -> dict[str, Any]:
    """Further columns of a folder of relaxed crystals, from its table."""
    table = path / "relaxed.csv"
    if not table.is_file():
        return {}
    with table.open(encoding="utf-8", newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file) if row.get("name")}
    names = ("energy_before", "energy", "fmax", "steps", "volume_change", "displacement")
    return {
        f"{name}": _column([rows.get(_name(frame), {}).get(name) for frame in frames])
        for name in names
        if rows and name in next(iter(rows.values()))
    }


def of_report(path: Path) -> Listing:
    """The crystals of an evaluation, relaxed where it relaxed them, with their row of its table."""
    report = load(path)
    if not isinstance(report, DngReport):
        raise DataError(f"the report {path.name} holds no crystals", "look at its numbers")
    rows = report_rows(report)
    names = [name for name in (rows[0] if rows else {}) if name not in ("id", "key", "formula", "n_atoms")]
    more = {
        f"{name} (given)" if name in TAKEN else name: _mixed([row[name] for row in rows]) for name in names
    }
    pairs = zip(report.relaxed, report.samples.cells, strict=True)
    return of_cells(report.samples.ids, [given if moved is None else moved for moved, given in pairs], more)


TAKEN = ("name", "formula", "atoms", "elements", "volume", "density", GROUP)


def _mixed(values: Sequence[Any]) -> Any:
    plain = [value.item() if hasattr(value, "item") else value for value in values]
    kinds = {type(value) for value in plain if value is not None}
    if kinds <= {bool}:
        return plain
    if kinds <= {int, float, bool}:
        return np.array([np.nan if value is None else float(value) for value in plain])
    return [None if value is None else str(value) for value in plain]
