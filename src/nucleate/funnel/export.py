"""Candidates that came through a stage, as a table or as a file of crystals."""

from __future__ import annotations

from pathlib import Path

from nucleate.data.extxyz import frame_text
from nucleate.discovery.candidates import formula_of
from nucleate.errors import DataError
from nucleate.files import beside, writing
from nucleate.records.ledger import Ledger
from nucleate.records.tables import check_ending, write_rows
from nucleate.records.tallies import found_of, labels, standing_at
from nucleate.records.verdicts import Candidate

AT_ONCE = 1000


def export(folder: Path, out: Path, stage: str = "") -> int:
    """Write those that passed a stage, the last one by default; how many.

    out: a table (.csv, .parquet) or crystals (.extxyz), by its ending.

    Raises DataError where there is no such stage, and NucleateError where the file can't be written.
    """
    crystals = out.suffix.lower() == ".extxyz"
    if not crystals:
        check_ending(out)
    with Ledger.existing(folder) as ledger:
        names = labels(ledger)
        if stage and stage not in names:
            raise DataError(f"no stage of {folder} is called '{stage}'", f"stages: {', '.join(names)}")
        numbers = standing_at(ledger, names.index(stage) if stage else len(names) - 1)
        if crystals:
            with beside(out) as part, part.open("w", encoding="utf-8") as file:
                for start in range(0, len(numbers), AT_ONCE):
                    file.writelines(map(_frame, found_of(ledger, numbers[start : start + AT_ONCE])))
        else:
            _write_table(found_of(ledger, numbers), out)
    return len(numbers)


def _frame(one: Candidate) -> str:
    info = {"name": one.id, "formula": formula_of(one.cell), "source": one.source}
    told = {name.replace(".", "_"): value for name, value in one.values.items() if value is not None}
    return frame_text(one.cell.species, one.cell.frac, one.cell.lattice, {**told, **info})


def _write_table(candidates: list[Candidate], out: Path) -> None:
    names = sorted({name for one in candidates for name in one.values})
    rows = [
        {
            "id": one.id, "source": one.source, "formula": formula_of(one.cell), "atoms": len(one.cell.species),
            "volume": one.cell.volume, **{name: one.values.get(name) for name in names},
        }
        for one in candidates
    ]  # fmt: skip
    with writing(out):
        write_rows(rows, out, ("id",))
