"""A ranking as files: a table of all rows, and one file for each structure in the formats that are asked for."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from nucleate.data.cell_forms import CellForm
from nucleate.data.structure_files import FORMATS, write_structure
from nucleate.files import writing

if TYPE_CHECKING:
    from pymatgen.core import Structure


class RankingRow:
    """A row of a ranking. A subclass is a dataclass: its fields are the columns, in their order.

    Attributes:
        rank: from 1; 0 for what can't be used.
        file: name without ending.
    """

    rank: int
    file: str

    @property
    def origin(self) -> str:
        """One line on where the structure comes from."""
        raise NotImplementedError


def write_ranking(
    folder: Path,
    kind_of_row: type[RankingRow],
    rows: Sequence[RankingRow],
    structures: Sequence[Structure | None],
    kinds: Sequence[str],
    form: CellForm | None = None,
) -> None:
    """Write FOLDER/ranking.csv, and FOLDER/KIND/ with one file for each usable structure in the chosen cell form."""
    form = form or CellForm()
    table = folder / "ranking.csv"
    with writing(table), table.open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(cast(Any, kind_of_row))])
        writer.writeheader()
        writer.writerows(asdict(cast(Any, row)) for row in rows)
    for kind in kinds:
        target = folder / kind
        with writing(target):
            target.mkdir(exist_ok=True)
        for row, structure in zip(rows, structures, strict=True):
            if row.rank and structure is not None:
                copy, origin = form.copy(structure, row.origin)
                write_structure(copy, target / f"{row.file}{FORMATS[kind]}", kind, origin)
