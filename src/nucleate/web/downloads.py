"""Crystals as files to take away: CIF, POSCAR, extended XYZ, and several as one zip."""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from nucleate.cell import Cell
from nucleate.data.extxyz import frame_text
from nucleate.data.structure_files import FORMATS, write_structure
from nucleate.defects import defect
from nucleate.elements import SYMBOLS
from nucleate.errors import DataError
from nucleate.report.html.gallery import DRAWN
from nucleate.web.details import origin, row_values
from nucleate.web.listing import Listing

KINDS = (*FORMATS, "extxyz")
LARGEST_ZIP = 2000
"""Crystals in one zip."""


def file_name(listing: Listing, row: int) -> str:
    """Of a row, without ending, valid on any file system."""
    name = str(row_values(listing, row).get("name", row))
    return re.sub(r"[^\w.+()#-]", "_", name).lstrip(".")[:100] or str(row)


def text_of(listing: Listing, row: int, kind: str) -> str:
    """The crystal of a row as text. Raises DataError for an unknown kind and a crystal that can't be written."""
    if kind not in KINDS:
        raise DataError(f"no format '{kind[:20]}'", f"formats: {', '.join(KINDS)}")
    if not 0 <= row < len(listing):
        raise IndexError(row)
    cell, values, facts = listing.cell(row), row_values(listing, row), listing.facts(row)
    if cell is None or defect(cell, DRAWN):
        raise DataError(f"{values.get('name', row)} can't be written as a file", "it has no sound cell")
    if kind == "extxyz":
        return _frame(cell, {**values, **facts})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "crystal"
        write_structure(cell.to_structure(), path, kind, origin(values, facts))
        return path.read_text(encoding="utf-8")


def _frame(cell: Cell, said: dict[str, object]) -> str:
    plain = {
        re.sub(r"\W", "_", name): " ".join(str(value).replace('"', "'").split())
        for name, value in said.items()
        if name not in ("Lattice", "Properties", "pbc") and value not in (None, "")
    }
    return frame_text(cell.species, cell.frac, cell.lattice, dict(plain))


def packed(listing: Listing, rows: Sequence[int], kind: str) -> bytes:
    """A zip with one file for each row; one file of all frames for extxyz. Raises DataError for too many rows."""
    if len(rows) > LARGEST_ZIP:
        raise DataError(f"{len(rows)} crystals are too many for one zip", f"choose at most {LARGEST_ZIP}")
    sound = [row for row in rows if (cell := listing.cell(row)) is not None and not defect(cell, DRAWN)]
    if not sound:
        raise DataError("no crystal of the selection can be written as a file", "choose others")
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        if kind == "extxyz":
            archive.writestr("crystals.extxyz", "".join(text_of(listing, row, kind) for row in sound))
            return _closed(archive, data)
        taken: set[str] = set()
        for row in sound:
            name = file_name(listing, row)
            name = name if name.lower() not in taken else f"{name}-{row}"
            taken.add(name.lower())
            archive.writestr(f"{name}{FORMATS.get(kind, '')}", text_of(listing, row, kind))
    return data.getvalue()


def _closed(archive: zipfile.ZipFile, data: io.BytesIO) -> bytes:
    archive.close()
    return data.getvalue()


def chemiscope(listing: Listing, rows: Sequence[int], name: str) -> dict[str, object]:
    """The crystals of some rows and their numbers in the format that chemiscope.org opens.

    Raises DataError for too many rows, and where no crystal has two properties, which that page asks for.
    """
    if len(rows) > LARGEST_ZIP:
        raise DataError(f"{len(rows)} crystals are too many for one file", f"choose at most {LARGEST_ZIP}")
    sound = [
        (row, cell) for row in rows if (cell := listing.cell(row)) is not None and not defect(cell, DRAWN)
    ]
    if not sound:
        raise DataError("no crystal of the selection can be written", "choose others")
    properties: dict[str, object] = {}
    values = [row_values(listing, row) for row, _ in sound]
    for column in listing.columns:
        known = [one.get(column.name) for one in values]
        if column.kind == "number" and all(value is not None for value in known):
            properties[column.title] = {"target": "structure", "values": known, "units": column.unit}
        elif column.name in ("name", "formula"):
            properties[column.title] = {"target": "structure", "values": [str(value) for value in known]}
    structures = []
    for _, cell in sound:
        places = cell.frac @ cell.lattice
        structures.append(
            {
                "size": len(cell.species),
                "names": [SYMBOLS[number] for number in cell.species.tolist()],
                **dict(zip("xyz", places.T.round(6).tolist(), strict=True)),
                "cell": cell.lattice.reshape(-1).round(6).tolist(),
            }
        )
    return {"meta": {"name": name}, "structures": structures, "properties": properties}
