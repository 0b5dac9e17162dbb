"""nucleate data export: a data set as files of other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucleate.cli import options
from nucleate.cli.console import say, warn


def export(
    folder: Annotated[Path, typer.Argument(help="A data set.")],
    out: Annotated[
        Path, typer.Argument(help="x.csv, x.csv.gz, x.extxyz, or a folder for CIF or POSCAR files.")
    ],
    split: Annotated[str, typer.Option(help="One split. Default: all.")] = "",
    kind: Annotated[
        str, typer.Option("--format", help="cif, poscar, extxyz or csv. Default: by the name of OUT.")
    ] = "",
    cell: options.CellForm = "as-is",
    symprec: options.Symprec = 0.1,
) -> None:
    """Write a data set, or one split, as CSV, extended XYZ or a folder of CIF or POSCAR files."""
    from nucleate.cli.progress import progress_bars
    from nucleate.data.cell_forms import CellForm
    from nucleate.data.dataset import Dataset
    from nucleate.data.export import export as write
    from nucleate.work import Work

    dataset = Dataset.open(folder)
    tables = {name: dataset.split(name) for name in ([split] if split else dataset.splits)}
    form, unchanged = CellForm(cell, symprec), []
    with progress_bars() as progress:
        kind = write(
            tables, out, kind, Work(progress=progress), form, lambda *problem: unchanged.append(problem)
        )
    if unchanged:
        warn(
            f"{len(unchanged)} crystals are not in {cell} cells; the first, {unchanged[0][0]}: {unchanged[0][1]}"
        )
    say(f"{out}: {sum(map(len, tables.values()))} crystals as {kind}")
