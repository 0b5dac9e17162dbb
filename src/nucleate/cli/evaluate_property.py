"""`nucleate evaluate property`: a predictor on labelled crystals, beside the composition-only ridge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucleate.cli import options
from nucleate.files import check_target


def judge_property(
    model: Annotated[
        str, typer.Argument(help="A predictor: shipped name, model or run folder, hf:owner/name.")
    ],
    data: Annotated[Path, typer.Option(help="Data set folder with the true values.")],
    split: Annotated[
        str, typer.Option(help="Split of the data set; held-out: what training held out of it (--split-by).")
    ] = "val",
    at_least: Annotated[
        list[float] | None,
        typer.Option("--at-least", help="Enrichment of crystals with at least this value. Repeatable."),
    ] = None,
    json: Annotated[
        Path | None, typer.Option(help="Write all numbers to this file; evaluate show prints them again.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="Write one row for each crystal: .csv or .parquet.")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=options.MOST_SEED, help="Seed of the bootstrap intervals.")
    ] = 0,
    threads: options.Threads = None,
) -> None:
    """Errors, ranks, coverage and top-decile enrichment of a predictor, with 95 % intervals, beside a ridge."""
    import torch

    from nucleate.data.dataset import Dataset
    from nucleate.predictor.property import load_property
    from nucleate.properties.evaluate import evaluate, labelled
    from nucleate.records.tables import check_ending
    from nucleate.report.files import save_property
    from nucleate.report.property_text import summary

    if threads is not None:
        torch.set_num_threads(threads)
    if table:
        check_ending(table)
    for path in (json, table):
        check_target(path)
    loaded = load_property(model)
    crystals = labelled(loaded.model, Dataset.open(data), split)
    source = {"predictor": loaded.name, "data": str(data), "split": split}
    report = evaluate(loaded.model, crystals, source, at_least or (), seed)
    save_property(report, json, table)
    typer.echo(summary(report))
