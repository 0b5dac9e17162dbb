"""`nucleate evaluate`: judge crystals, predicted or generated, by the measures of the field."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucleate.cli import evaluate_dng, evaluate_property, evaluate_show, options
from nucleate.cli.console import App
from nucleate.cli.progress import progress_bars
from nucleate.errors import NucleateError
from nucleate.files import check_target

app = App(help="Judge predicted or generated crystals by the measures of the field.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Judge predicted or generated crystals by the measures of the field."""


app.command("dng")(evaluate_dng.dng)
app.command("property")(evaluate_property.judge_property)
app.command("show")(evaluate_show.show)


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
        bool, typer.Option("--fingerprints", help="smact also requires a CrystalNN fingerprint (slow).")
    ] = False,
    metre: Annotated[bool, typer.Option(help="METRe and cRMSE: all pairs of one composition.")] = True,
    json: Annotated[
        Path | None, typer.Option(help="Write all numbers to this file; evaluate show prints them again.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="Write one row for each prediction: .csv or .parquet.")
    ] = None,
    workers: options.Workers = 2,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for one pair of structures.")] = 60.0,
    seed: Annotated[
        int, typer.Option(min=0, max=options.MOST_SEED, help="Seed of the bootstrap intervals.")
    ] = 0,
) -> None:
    """Match rate, RMSE, METRe and cRMSE of predictions, with 95 % intervals, under named protocols."""
    from nucleate.cli.console import say
    from nucleate.data.table import read_table, split_file
    from nucleate.metrics.csp.evaluate import PROTOCOLS, CspSettings, evaluate
    from nucleate.metrics.csp.predictions import read_predictions
    from nucleate.records.tables import check_ending
    from nucleate.report.csp_text import summary
    from nucleate.report.files import save_csp
    from nucleate.work import Work

    settings = CspSettings(
        k=_numbers(k),
        protocols=tuple(dict.fromkeys(protocol or PROTOCOLS)),
        fingerprints=fingerprints,
        metre=metre,
        timeout=timeout,
        seed=seed,
    )
    if table:
        check_ending(table)
    file = split_file(reference, split)
    for path in (json, table):
        check_target(path)
    truth = read_table(file)
    found = read_predictions(predictions, truth)
    if found.repeated:
        say(f"{found.repeated} crystals were drawn more than once: each counts once")
    with progress_bars() as progress:
        report = evaluate(found, truth, settings, Work.local(workers, progress))
    source = {"predictions": str(predictions), "reference": str(reference), "split": split}
    save_csp(report, json, table, source)
    typer.echo(summary(report))


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(sorted({int(part) for part in text.split(",") if part.strip()}))
    except ValueError:
        raise NucleateError(f"-k {text!r} is not a list of whole numbers", "write -k 1,20") from None
