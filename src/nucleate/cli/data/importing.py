"""nucleate data import and download: files become a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucleate.cli import options
from nucleate.cli.console import say
from nucleate.cli.data.ranges import read_span

Files = list[Path] | None
KeepCell = Annotated[
    bool, typer.Option("--keep-cell", help="Keep the cells as given, not primitive and Niggli-reduced.")
]
MaxAtoms = Annotated[int | None, typer.Option(min=1, help="Refuse larger cells.")]
MaxLength = Annotated[float, typer.Option(min=0, help="Refuse cells with a longer vector, Å.")]
Volume = Annotated[str, typer.Option(help="Refuse crystals outside MIN:MAX Å³ per atom.")]
Density = Annotated[str, typer.Option(help="Refuse crystals outside MIN:MAX g/cm³.")]
Strict = Annotated[bool, typer.Option("--strict", help="Stop with an error if a row is refused.")]
Workers = Annotated[
    int, typer.Option(min=0, max=options.MOST_WORKERS, help="Worker processes; 0 takes one for each core.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing data set.")]


def import_(
    out: Annotated[Path, typer.Option(help="Folder of the new data set.")],
    sources: Annotated[
        Files, typer.Argument(help="Files or folders, taken as one pool and split at random.")
    ] = None,
    train: Annotated[Files, typer.Option(help="Training split (repeatable).")] = None,
    val: Annotated[Files, typer.Option(help="Validation split (repeatable).")] = None,
    test: Annotated[Files, typer.Option(help="Test split (repeatable).")] = None,
    split: Annotated[
        str | None, typer.Option(help="Shares of train, val and test in a pool: 0.8,0.1,0.1.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=options.MOST_SEED, help="Seed for splitting a pool: 0.")
    ] = None,
    keep_cell: KeepCell = False,
    max_atoms: MaxAtoms = None,
    max_length: MaxLength = 500,
    volume_per_atom: Volume = "0.5:2000",
    density: Density = "0.01:50",
    strict: Strict = False,
    licence: Annotated[str, typer.Option(help="Licence of the data, kept in dataset.json.")] = "",
    source_note: Annotated[str, typer.Option(help="Where the data come from, kept in dataset.json.")] = "",
    workers: Workers = 0,
    overwrite: Overwrite = False,
) -> None:
    """Import CSV (cif column), CIF/POSCAR folders and archives, extxyz, ASE db or pymatgen JSON."""
    from nucleate.cli.progress import progress_bars
    from nucleate.data.importing import ImportSettings, import_pool, import_splits
    from nucleate.errors import DataError
    from nucleate.work import Work

    named = {name: paths for name, paths in (("train", train), ("val", val), ("test", test)) if paths}
    if bool(named) == bool(sources):
        raise DataError(
            "give either sources or --train/--val/--test" + (", not both" if named else ""),
            "write SOURCE... --out DIR for one pool, or --train a.csv --val b.csv --out DIR for splits",
        )
    if named:
        options.refuse_unread("with --train, --val and --test", {"--split": split, "--seed": seed})
    settings = ImportSettings(
        cells=_cells(keep_cell, max_atoms, max_length, volume_per_atom, density),
        fractions=_shares(split or "0.8,0.1,0.1"),
        seed=seed or 0,
        strict=strict,
        overwrite=overwrite,
        licence=licence,
        note=source_note,
    )
    with progress_bars() as progress:
        work = Work.local(workers or _cores(), progress)
        info = (
            import_splits(named, out, settings, work)
            if named
            else import_pool(sources or [], out, settings, work)
        )
    _summary(info, out)


def download(
    name: Annotated[str, typer.Argument(help="mp_20, perov_5, carbon_24 or mpts_52.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the new data set; data/NAME by default.")
    ] = None,
    base_url: Annotated[str, typer.Option(help="A mirror that holds NAME/{train,val,test}.csv.")] = "",
    keep_cell: KeepCell = False,
    max_atoms: MaxAtoms = None,
    max_length: MaxLength = 500,
    volume_per_atom: Volume = "0.5:2000",
    density: Density = "0.01:50",
    strict: Strict = False,
    workers: Workers = 0,
    overwrite: Overwrite = False,
) -> None:
    """Download a benchmark set from its public repository and import it with the splits of the field."""
    from nucleate.cli.progress import progress_bars
    from nucleate.data.download import download as fetch_all
    from nucleate.data.download import find_benchmark
    from nucleate.data.importing import ImportSettings
    from nucleate.data.registry import BASE_URL
    from nucleate.work import Work

    benchmark = find_benchmark(name)
    out = out or Path("data") / name
    settings = ImportSettings(
        cells=_cells(keep_cell, max_atoms, max_length, volume_per_atom, density),
        strict=strict,
        overwrite=overwrite,
    )
    with progress_bars() as progress:
        work = Work.local(workers or _cores(), progress)
        info = fetch_all(benchmark, out, settings, base_url or BASE_URL, work, say)
    _summary(info, out)


def _cells(keep_cell: bool, max_atoms: int | None, max_length: float, volume: str, density: str):
    from nucleate.data.parse import CellSettings

    return CellSettings(
        reduce=not keep_cell,
        max_atoms=max_atoms,
        max_length=max_length,
        volume_per_atom=read_span(volume, "--volume-per-atom"),
        density=read_span(density, "--density"),
    )


def _shares(text: str) -> tuple[float, float, float]:
    from nucleate.errors import DataError

    try:
        train, val, test = (float(part) for part in text.split(","))
        return train, val, test
    except ValueError:
        raise DataError(
            f"split '{text}' is not three numbers", "write for example --split 0.8,0.1,0.1"
        ) from None


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _summary(info: dict, out: Path) -> None:
    from nucleate.data.refusals import REJECTED, group_lines, read_refusals

    say(f"{out}: " + ", ".join(f"{name} {count}" for name, count in info["counts"].items()))
    lines = group_lines(read_refusals(out / REJECTED))
    for line in lines or ["no row refused"]:
        say(line)
    if lines:
        say(f"all refused rows, each with its reason: {out / REJECTED}")
