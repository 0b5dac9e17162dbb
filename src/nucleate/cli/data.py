"""nucleate data: import files into a data set, download the benchmarks, say what a data set holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Make, download and describe data sets.", no_args_is_help=True)

Files = list[Path] | None


@app.callback()
def _group() -> None:
    """Make, download and describe data sets."""


@app.command("import")
def import_(
    sources: Annotated[
        Files, typer.Argument(help="Files or folders, taken as one pool and split at random.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the new data set.")] = ...,
    train: Annotated[Files, typer.Option(help="Training split (repeatable).")] = None,
    val: Annotated[Files, typer.Option(help="Validation split (repeatable).")] = None,
    test: Annotated[Files, typer.Option(help="Test split (repeatable).")] = None,
    split: Annotated[str, typer.Option(help="Shares of train, val and test of a pool.")] = "0.8,0.1,0.1",
    seed: Annotated[int, typer.Option(help="Seed of the split of a pool.")] = 0,
    keep_cell: Annotated[
        bool, typer.Option("--keep-cell", help="Keep cells; no primitive, Niggli-reduced ones.")
    ] = False,
    max_atoms: Annotated[int | None, typer.Option(min=1, help="Refuse larger cells.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="A refused row is an error.")] = False,
    licence: Annotated[str, typer.Option(help="Licence of the data, kept in dataset.json.")] = "",
    source_note: Annotated[str, typer.Option(help="Where the data come from, kept in dataset.json.")] = "",
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 takes one for each core.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing data set.")] = False,
) -> None:
    """Import CSV (cif column), CIF/POSCAR folders and archives, extxyz, ASE db or pymatgen JSON."""
    from nucleate.data.importing import ImportSettings, import_pool, import_splits
    from nucleate.data.parse import CellSettings
    from nucleate.errors import DataError

    named = {name: paths for name, paths in (("train", train), ("val", val), ("test", test)) if paths}
    if bool(named) == bool(sources):
        raise DataError(
            "give either sources or --train/--val/--test" + (", not both" if named else ""),
            "nucleate data import SOURCE... --out DIR, or nucleate data import --train a.csv --val b.csv --out DIR",
        )
    settings = ImportSettings(
        cells=CellSettings(reduce=not keep_cell, max_atoms=max_atoms),
        fractions=_shares(split),
        seed=seed,
        strict=strict,
        overwrite=overwrite,
        workers=workers or _cores(),
        licence=licence,
        note=source_note,
    )
    with _bar("crystals") as progress:
        if named:
            info = import_splits(named, out, settings, progress)
        else:
            info = import_pool(sources or [], out, settings, progress)
    _summary(info, out)


def _shares(text: str) -> tuple[float, ...]:
    from nucleate.errors import DataError

    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise DataError(
            f"split '{text}' is not three numbers", "write for example --split 0.8,0.1,0.1"
        ) from None


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _bar(what: str):
    """A progress bar on stderr, as a context whose value is called with (done, total)."""
    from contextlib import contextmanager

    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    @contextmanager
    def bar():
        columns = (
            TextColumn(what),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True)) as shown:
            task = shown.add_task(what, total=None)
            yield lambda done, total: shown.update(task, completed=done, total=total)

    return bar()


def _summary(info: dict, out: Path) -> None:
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    counts = ", ".join(f"{name} {count}" for name, count in info["counts"].items())
    console.print(f"{out}: {counts}", soft_wrap=True)
    for name, reasons in info["rejected"].items():
        for reason, count in reasons.items():
            console.print(
                f"{name}: {count} refused: {reason} (see {out / 'rejected.csv'})",
                soft_wrap=True,
                markup=False,
            )
    if not any(info["rejected"].values()):
        console.print("no row refused")
