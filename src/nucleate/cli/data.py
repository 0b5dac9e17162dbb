"""nucleate data: import files into a data set, download the benchmarks, say what a data set holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from nucleate.cli import options
from nucleate.cli.console import App

app = App(help="Make, download and describe data sets.", no_args_is_help=True)

Files = list[Path] | None
KeepCell = Annotated[
    bool, typer.Option("--keep-cell", help="Keep the cells: no primitive, Niggli-reduced ones.")
]
MaxAtoms = Annotated[int | None, typer.Option(min=1, help="Refuse larger cells.")]
Strict = Annotated[bool, typer.Option("--strict", help="A refused row is an error.")]
Workers = Annotated[
    int, typer.Option(min=0, max=options.MOST_WORKERS, help="Processes; 0 takes one for each core.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing data set.")]


@app.callback()
def _group() -> None:
    """Make, download and describe data sets."""


@app.command("import")
def import_(
    out: Annotated[Path, typer.Option(help="Folder of the new data set.")],
    sources: Annotated[
        Files, typer.Argument(help="Files or folders, taken as one pool and split at random.")
    ] = None,
    train: Annotated[Files, typer.Option(help="Training split (repeatable).")] = None,
    val: Annotated[Files, typer.Option(help="Validation split (repeatable).")] = None,
    test: Annotated[Files, typer.Option(help="Test split (repeatable).")] = None,
    split: Annotated[str, typer.Option(help="Shares of train, val and test of a pool.")] = "0.8,0.1,0.1",
    seed: Annotated[int, typer.Option(min=0, max=options.MOST_SEED, help="Seed of the split of a pool.")] = 0,
    keep_cell: KeepCell = False,
    max_atoms: MaxAtoms = None,
    strict: Strict = False,
    licence: Annotated[str, typer.Option(help="Licence of the data, kept in dataset.json.")] = "",
    source_note: Annotated[str, typer.Option(help="Where the data come from, kept in dataset.json.")] = "",
    workers: Workers = 0,
    overwrite: Overwrite = False,
) -> None:
    """Import CSV (cif column), CIF/POSCAR folders and archives, extxyz, ASE db or pymatgen JSON."""
    from nucleate.data.importing import ImportSettings, import_pool, import_splits
    from nucleate.data.parse import CellSettings
    from nucleate.errors import DataError

    named = {name: paths for name, paths in (("train", train), ("val", val), ("test", test)) if paths}
    if bool(named) == bool(sources):
        raise DataError(
            "give either sources or --train/--val/--test" + (", not both" if named else ""),
            "write SOURCE... --out DIR for one pool, or --train a.csv --val b.csv --out DIR for splits",
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


@app.command()
def download(
    name: Annotated[str, typer.Argument(help="mp_20, perov_5, carbon_24 or mpts_52.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the new data set; data/NAME by default.")
    ] = None,
    base_url: Annotated[str, typer.Option(help="A mirror that holds NAME/{train,val,test}.csv.")] = "",
    keep_cell: KeepCell = False,
    max_atoms: MaxAtoms = None,
    strict: Strict = False,
    workers: Workers = 0,
    overwrite: Overwrite = False,
) -> None:
    """Download a benchmark set from its public repository and import it with the splits of the field."""
    from nucleate.cli.console import say
    from nucleate.data.download import download as fetch_all
    from nucleate.data.download import find_benchmark
    from nucleate.data.importing import ImportSettings
    from nucleate.data.parse import CellSettings
    from nucleate.data.registry import BASE_URL

    benchmark = find_benchmark(name)
    out = out or Path("data") / name
    settings = ImportSettings(
        cells=CellSettings(reduce=not keep_cell, max_atoms=max_atoms),
        strict=strict,
        overwrite=overwrite,
        workers=workers or _cores(),
    )
    with _bar("crystals") as progress:
        info = fetch_all(benchmark, out, settings, base_url or BASE_URL, progress, say)
    _summary(info, out)


@app.command()
def info(
    folder: Annotated[Path, typer.Argument(help="A data set.")],
    as_json: Annotated[bool, typer.Option("--json", help="dataset.json as it is, for programs.")] = False,
) -> None:
    """Say what a data set holds: counts, elements, sizes, ranges, properties, licence."""
    import json

    from nucleate.data.dataset import Dataset
    from nucleate.errors import DataError

    dataset = Dataset.open(folder)
    if as_json:
        typer.echo(json.dumps(dataset.info, indent=1, ensure_ascii=False))
        return
    missing = {"settings", "statistics", "rejected"} - dataset.info.keys()
    if missing:
        raise DataError(
            f"{folder / 'dataset.json'} says nothing of {', '.join(sorted(missing))}",
            "import the data set again, or read what it holds with --json",
        )
    for line in _lines(dataset.info):
        typer.echo(line)


def _lines(info: dict) -> list[str]:
    """What `nucleate data info` prints."""
    source = info.get("source", {})
    files = [one["name"] for named in source.get("files", {}).values() for one in named]
    lines = [
        f"source    {source.get('note') or ', '.join(files)}",
        f"licence   {info.get('licence') or 'not stated'}",
        f"cells     {'primitive, Niggli-reduced' if info['settings']['reduce'] else 'as in the source'}",
    ]
    for name, found in info["statistics"].items():
        refused = sum(info["rejected"].get(name, {}).values())
        lines += ["", f"{name}: {found['crystals']} crystals, {found['atoms']} atoms, {refused} rows refused"]
        lines += [f"  {refusal}: {count}" for refusal, count in info["rejected"].get(name, {}).items()]
        by_count = sorted(found["elements"].items(), key=lambda one: -one[1])
        elements = "  ".join(f"{symbol} {count}" for symbol, count in by_count[:12])
        lines.append(f"  elements  {len(by_count)}: {elements}{' ...' if len(by_count) > 12 else ''}")
        lines.append("  sizes     " + "  ".join(f"{size}:{count}" for size, count in found["sizes"].items()))
        for key, unit in (("lengths", "Å"), ("angles", "degrees"), ("volume_per_atom", "Å^3")):
            lines.append(f"  {key:16}{_span(found[key])} {unit}")
        for key, column in found["properties"].items():
            span = f", {_span(column['range'])}" if column.get("range") else ""
            lines.append(f"  property  {key}: {column['kind']}, known for {column['known']}{span}")
    return lines


def _span(found: dict) -> str:
    return f"{found['min']:.4g} to {found['max']:.4g} (mean {found['mean']:.4g})"


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


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr, as a context whose value is called with (done, total)."""
    from nucleate.cli.bars import progress_bars

    with progress_bars() as progress:
        yield partial(progress, what)


def _summary(info: dict, out: Path) -> None:
    from nucleate.cli.console import say

    say(f"{out}: " + ", ".join(f"{name} {count}" for name, count in info["counts"].items()))
    for name, reasons in info["rejected"].items():
        for reason, count in reasons.items():
            say(f"{name}: {count} refused: {reason} (see {out / 'rejected.csv'})")
    if not any(info["rejected"].values()):
        say("no row refused")
