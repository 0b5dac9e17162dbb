"""A data set as files of other programs: a CSV with CIF text, extended XYZ, a folder of CIF or POSCAR files.

Ids and properties go along: as columns, in the comment line of a frame, in `properties.csv` of a folder.
"""

from __future__ import annotations

import csv
import gzip
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.data.cell_forms import CellForm
from nucleate.data.extxyz import frame_text
from nucleate.data.merging import word_of
from nucleate.data.structure_files import FORMATS as STRUCTURE_FORMATS
from nucleate.data.structure_files import write_structure
from nucleate.data.table import CrystalTable
from nucleate.data.writing import refuse_existing, whole_folder
from nucleate.errors import DataError
from nucleate.files import beside, writing
from nucleate.work import Work

FOLDERS = ("cif", "poscar")
ENDINGS = {".csv": "csv", ".csv.gz": "csv", ".extxyz": "extxyz", ".xyz": "extxyz"}
FORMATS = ("cif", "poscar", "extxyz", "csv")
OTHER_ENDINGS = (".cif", ".vasp", ".json", ".parquet", ".db", ".zip", ".gz", ".tar")
TABLE = "properties.csv"
AS_THEY_ARE = CellForm()
_OWN_KEYS = ("Lattice", "Properties", "pbc")


def export(
    tables: dict[str, CrystalTable], out: Path, kind: str = "", work: Work = Work(),
    form: CellForm = AS_THEY_ARE, on_problem: Callable[[str, str], None] | None = None,
) -> str:  # fmt: skip
    """Write the splits to one file or folder, whole or not at all. Returns the format.

    Args:
        tables: by the name of their split. Of several the rows of a file have a column `split`, and a folder has one
            folder for each.
        out: .csv, .csv.gz, .extxyz or .xyz, or a folder, which must not exist.
        kind: one of FORMATS; by the ending of `out` when empty, CIF for a folder.
        work: progress.
        form: of the cells; the data set itself is not changed.
        on_problem: called with the id of a crystal that could not take this form and is written as it is, and why.

    Raises DataError when `out` exists, when format and ending disagree, and for text that extended XYZ can't hold.
    """
    kind = _kind(out, kind)
    if out.exists():
        raise DataError(f"{out} exists", "choose another name, or move it away")
    refuse_existing(out, overwrite=False)
    rows = _rows(tables, work, form, on_problem)
    if kind in FOLDERS:
        with whole_folder(out) as folder:
            _write_folder(rows, folder, kind, len(tables) > 1)
        return kind
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    opener = gzip.open if out.suffix == ".gz" else open
    with beside(out) as part, opener(part, "wt", encoding="utf-8", newline="") as file:
        if kind == "csv":
            _write_csv(rows, file, _names(tables))
        else:
            for row in rows:
                file.write(_frame(row))
    return kind


def _kind(out: Path, kind: str) -> str:
    if kind and kind not in FORMATS:
        raise DataError(f"no format '{kind}'", f"choose {', '.join(FORMATS)}")
    ending = next((one for one in sorted(ENDINGS, key=len, reverse=True) if out.name.endswith(one)), "")
    found = ENDINGS.get(ending, "")
    if found and kind in ("", found):
        return found
    if found or kind not in ("", *FOLDERS):
        wanted = [one for one, name in ENDINGS.items() if name == kind]
        hint = f"end it in {' or '.join(wanted)}" if wanted else "name a folder, without such an ending"
        raise DataError(f"{out} is not a name for the format '{kind}'", hint)
    if out.suffix.lower() in OTHER_ENDINGS:
        raise DataError(
            f"{out} would become a folder of {kind or 'cif'} files",
            "name a folder without an ending, or a .csv or .extxyz file",
        )
    return kind or "cif"


def _names(tables: dict[str, CrystalTable]) -> list[str]:
    names = dict.fromkeys(name for table in tables.values() for name in table.properties)
    return [*names, *(["split"] if len(tables) > 1 and "split" not in names else [])]


class _Row:
    """One crystal to export: id, split, known properties, arrays."""

    def __init__(self, table: CrystalTable, index: int, split: str, several: bool, form: CellForm) -> None:
        self.id, self.split = table.ids[index], split
        self.cell, self.problem = form.written(table.cell(index))
        values = {name: word_of(_plain(column[index])) for name, column in table.properties.items()}
        if several:
            values.setdefault("split", split)
        self.values = {name: value for name, value in values.items() if value}


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _rows(
    tables: dict[str, CrystalTable], work: Work, form: CellForm,
    on_problem: Callable[[str, str], None] | None,
) -> Iterator[_Row]:  # fmt: skip
    total, done = sum(map(len, tables.values())), 0
    for split, table in tables.items():
        for index in range(len(table)):
            row = _Row(table, index, split, len(tables) > 1, form)
            if row.problem and on_problem:
                on_problem(row.id, row.problem)
            yield row
            done += 1
            work.tell("crystals", done, total)


def _write_csv(rows: Iterator[_Row], file: Any, names: list[str]) -> None:
    from pymatgen.io.cif import CifWriter

    writer = csv.writer(file)
    writer.writerow(("material_id", *names, "cif"))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No Pauling electronegativity")  # noble gases
        for row in rows:
            cells = (row.values.get(name, "") for name in names)
            writer.writerow((row.id, *cells, str(CifWriter(row.cell.to_structure()))))


def _frame(row: _Row) -> str:
    info = {"material_id": row.id}
    for name, value in row.values.items():
        key = re.sub(r"[\s=\"']", "_", name)
        info[f"{key}_" if key in (*_OWN_KEYS, "material_id") else key] = value
    for name, value in info.items():
        if '"' in value or "\n" in value or "\r" in value:
            raise DataError(
                f"{name} of {row.id} holds a quotation mark or a line break, which extended XYZ can't hold",
                "export to .csv, or leave this column out of the data set",
            )
    return frame_text(*row.cell, dict(info))


def _write_folder(rows: Iterator[_Row], folder: Path, kind: str, several: bool) -> None:
    taken: set[str] = set()
    table: list[dict[str, str]] = []
    for row in rows:
        stem = re.sub(r"[^\w.+()@-]", "_", row.id).strip(".") or "crystal"
        place = f"{row.split}/{stem}" if several else stem
        name, number = place, 2
        while name.lower() in taken:  # some file systems take a and A for one
            name, number = f"{place}-{number}", number + 1
        taken.add(name.lower())
        path = folder / f"{name}{STRUCTURE_FORMATS[kind]}"
        path.parent.mkdir(exist_ok=True)
        write_structure(row.cell.to_structure(), path, kind, " ".join(row.id.split()) or stem)
        table.append({"material_id": row.id, "file": f"{name}{STRUCTURE_FORMATS[kind]}", **row.values})
    with (folder / TABLE).open("w", newline="", encoding="utf-8") as file:
        names = dict.fromkeys(name for one in table for name in one)
        writer = csv.DictWriter(file, list(names), restval="")
        writer.writeheader()
        writer.writerows(table)
