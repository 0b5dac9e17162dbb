"""The ranking of a folder of predictions as output: files, a table or JSON, and warnings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucleate.cli.console import print_table, say, warn
from nucleate.cli.progress import progress_bars

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from nucleate.cli.finish import Finish
    from nucleate.discovery.candidates import Candidate
    from nucleate.discovery.relaxing import RelaxedRow
    from nucleate.discovery.shortlist import RankedRow

COLUMNS = ("formula", "rank", "agree", "cell", "space group", "Å³/atom", "file")
RELAXED = ("relaxation", "eV/atom", "group then")
NAMED = 10


def present(
    out: Path, kinds: Sequence[str], order: Sequence[str], top: int, as_json: bool, finish: Finish
) -> None:
    """Write files and ranking of everything in the folder; the first `top` ranks of each formula go to stdout.

    `order`: reduced formulas in the order requested.
    """
    from nucleate.discovery.shortlist import shortlist, write_shortlist
    from nucleate.work import Work

    with progress_bars() as progress:
        rows, structures = shortlist(out, order, Work(progress=progress))
    write_shortlist(out, rows, structures, kinds, finish.form)
    relaxed = {one.name: one for one in finish.relax(_representatives(rows, structures), out)}
    shown = [
        (row, one)
        for row, one in zip(rows, structures, strict=True)
        if row.representative and row.rank <= top and one is not None
    ]
    if as_json:
        entries = [_entry(out, kinds, row, one) for row, one in shown]
        for entry in entries if relaxed else ():
            entry["relaxed"] = asdict(relaxed[entry["file"]])
        print(json.dumps(entries, indent=1, ensure_ascii=False))
    elif relaxed:
        print_table(
            (*COLUMNS, *RELAXED), [_words(row) + _relaxed_words(relaxed[row.file]) for row, _ in shown]
        )
    else:
        print_table(COLUMNS, [_words(row) for row, _ in shown])
    _doubts(rows)


def _representatives(rows: Sequence[RankedRow], structures: Sequence[Structure | None]) -> list[Candidate]:
    """The representative of each cluster, as drawn."""
    from nucleate.cell import Cell
    from nucleate.discovery.candidates import Candidate

    return [
        Candidate(row.file, Cell.of(structure), origin=row.origin)
        for row, structure in zip(rows, structures, strict=True)
        if row.representative and row.rank and structure is not None
    ]


def _relaxed_words(row: RelaxedRow) -> tuple[str, str, str]:
    return row.status, "-" if row.energy is None else f"{row.energy:.4f}", row.space_group


def _words(row: RankedRow) -> tuple[str, ...]:
    agree = f"{row.agree}/{row.samples}"
    return row.formula, str(row.rank), agree, row.cell, row.space_group, f"{row.volume:.2f}", row.file


def _entry(out: Path, kinds: Sequence[str], row: RankedRow, structure: Structure) -> dict[str, Any]:
    """A row of ranking.csv with the structure (pymatgen's dictionary) and the files that hold it."""
    from nucleate.data.structure_files import FORMATS

    entry = asdict(row)
    files = {kind: str(out / kind / f"{row.file}{FORMATS[kind]}") for kind in kinds}
    return {**entry, "files": files, "structure": structure.as_dict()}


def _doubts(rows: Sequence[RankedRow]) -> None:
    """Report structures that are not ranked, and formulas where no two samples agree."""
    broken = sum(1 for row in rows if row.rank == 0)
    if broken:
        say(
            f"{broken} of {len(rows)} structures are unreadable, flat or have atoms closer than 0.5 Å: not ranked"
        )
    best: dict[str, tuple[int, int]] = {}
    for row in rows:
        agree = max(row.agree, best.get(row.formula, (0, 0))[0])
        best[row.formula] = (agree, row.samples)
    alone = [f"{formula} ({agree} of {n})" for formula, (agree, n) in best.items() if agree < 2 <= n]
    if alone:
        named = ", ".join(alone[:NAMED]) + (f" and {len(alone) - NAMED} more" if len(alone) > NAMED else "")
        warn(f"no two samples agree for {named}: their ranks are arbitrary; draw more with -n")
