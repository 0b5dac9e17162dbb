"""`nucleate evaluate`: judge predicted crystals by the measures of the field."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from errno import EACCES, EISDIR
from os import W_OK, access, strerror
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nucleate.errors import NucleateError

if TYPE_CHECKING:
    from nucleate.metrics.csp.report import CspReport
    from nucleate.pool import Progress

app = typer.Typer(help="Judge predicted crystals by the measures of the field.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Judge predicted crystals by the measures of the field."""


@app.command("csp")
def csp(
    predictions: Annotated[
        Path,
        typer.Argument(
            help="Output of 'nucleate predict --like', or a folder, zip or file of CIF, extxyz or POSCAR."
        ),
    ],
    reference: Annotated[Path, typer.Option(help="Folder of the data set with the true structures.")],
    split: Annotated[str, typer.Option(help="Split of the data set.")] = "val",
    k: Annotated[
        str, typer.Option("-k", help="Numbers of samples, such as 1,20. Default: 1 and as many as there are.")
    ] = "",
    protocol: Annotated[
        list[str] | None, typer.Option(help="geometry, smact or full; may be repeated. Default: all.")
    ] = None,
    fingerprints: Annotated[
        bool, typer.Option("--fingerprints", help="smact also asks for a CrystalNN fingerprint (slow).")
    ] = False,
    metre: Annotated[bool, typer.Option(help="METRe and cRMSE: all pairs of one composition.")] = True,
    json: Annotated[Path | None, typer.Option(help="Write all numbers to this file.")] = None,
    table: Annotated[Path | None, typer.Option(help="Write one CSV row for each prediction.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for one pair of structures.")] = 60.0,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap intervals.")] = 0,
) -> None:
    """Match rate, RMSE, METRe and cRMSE of predictions, with 95 % intervals, under named protocols."""
    from nucleate.cli.console import say
    from nucleate.data.table import read_table
    from nucleate.metrics.csp.evaluate import PROTOCOLS, CspSettings, evaluate
    from nucleate.metrics.csp.predictions import read_predictions

    settings = CspSettings(
        k=_numbers(k),
        protocols=tuple(dict.fromkeys(protocol or PROTOCOLS)),
        fingerprints=fingerprints,
        metre=metre,
        workers=workers,
        timeout=timeout,
        seed=seed,
    )
    for path in (json, table):
        _check_target(path)
    truth = read_table(reference / f"{split}.parquet")
    found = read_predictions(predictions, truth)
    if found.repeated:
        say(f"{found.repeated} crystals were drawn more than once: each counts once")
    with _progress() as progress:
        report = evaluate(found, truth, settings, progress)
    _write(
        report,
        json,
        table,
        source={"predictions": str(predictions), "reference": str(reference), "split": split},
    )
    typer.echo(report.summary())


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(sorted({int(part) for part in text.split(",") if part.strip()}))
    except ValueError:
        raise NucleateError(f"-k {text!r} is not a list of whole numbers", "write -k 1,20") from None


@contextmanager
def _progress() -> Iterator[Progress]:
    """One bar for each stage, on stderr."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, int] = {}

        def advance(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done)  # pyright: ignore[reportArgumentType]

        yield advance


def _check_target(path: Path | None) -> None:
    """Make the folder of a result before the long work; raise NucleateError where it can't be written."""
    if path is None:
        return
    with _written(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(EISDIR, strerror(EISDIR))
        if not access(path if path.exists() else path.parent, W_OK):
            raise PermissionError(EACCES, strerror(EACCES))


@contextmanager
def _written(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NucleateError(
            f"{path} can't be written ({error.strerror})", "name a file in a folder that you may write to"
        ) from error


def _write(report: CspReport, json: Path | None, table: Path | None, source: dict[str, str]) -> None:
    import csv
    from json import dumps

    if json:
        content = report.to_dict()
        content["settings"] |= source
        with _written(json):
            json.write_text(dumps(content, indent=2) + "\n")
    if table:
        rows = report.table()
        with _written(table), table.open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
