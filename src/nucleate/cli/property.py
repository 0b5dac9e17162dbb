"""nucleate property: crystals from any files, with a predicted property beside each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nucleate.cli import options
from nucleate.cli.console import print_table, say
from nucleate.files import check_target

if TYPE_CHECKING:
    from nucleate.properties.annotate import Annotated as Prediction

SHOWN = 20


def predict_property(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILES...", help="CIF, POSCAR, extxyz, JSON; folders, zip or tar of them; runs; data sets."
        ),
    ],
    model: Annotated[
        list[str],
        typer.Option(help="A predictor: shipped name, model or run folder, hf:owner/name. Repeatable."),
    ],
    aim: Annotated[
        list[str] | None,
        typer.Option(help="What is wanted: tc=max, band_gap=1.5..2.5. Repeatable; marks the Pareto front."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write all crystals to this file: .csv, .parquet, .extxyz or .json.")
    ] = None,
    split: Annotated[str, typer.Option(help="Split, if FILES includes a data set.")] = "",
    json: Annotated[bool, typer.Option("--json", help="All rows as JSON to stdout, in place of the table.")] = False,
    threads: options.Threads = None,
) -> None:  # fmt: skip
    """Predict a property of crystals, with intervals and a warning where they are unlike the training data."""
    from dataclasses import asdict
    from json import dumps

    import torch

    from nucleate.discovery.candidates import read_candidates
    from nucleate.predictor.property import load_property
    from nucleate.properties.annotate import annotate, check_file, write_annotated

    if threads is not None:
        torch.set_num_threads(threads)
    if out is not None:
        check_file(out)
        check_target(out)
    if len(model) > 1 or aim:
        from nucleate.cli.several import show_several

        show_several(model, aim, read_candidates(files, split), out, json)
        return
    loaded = load_property(model[0])
    found = read_candidates(files, split)
    rows = annotate(loaded.model, found)
    if json:
        shown = {"target": loaded.target, "model": loaded.name, "crystals": [asdict(row) for row in rows]}
        typer.echo(dumps(shown, indent=1))
    else:
        _print_rows(rows, loaded.target)
    if out is not None:
        write_annotated(rows, found, loaded.target, loaded.name, out)
        say(f"written to {out}")
    far = sum(bool(row.warning) and row.value is not None for row in rows)
    missing = sum(row.value is None for row in rows)
    confidence = loaded.model.task.confidence
    say(
        f"{len(rows) - missing} of {len(rows)} crystals predicted, intervals of {confidence:.0%}; "
        f"{far} are extrapolations"
    )
    if missing == len(rows):
        raise typer.Exit(1)


def _print_rows(rows: Sequence[Prediction], target: str) -> None:
    """Print the first rows, those without a prediction last."""
    ordered = sorted(rows, key=lambda row: row.value is None)
    columns = ("name", "formula", target, "interval", "spread", "composition only", "warning")
    print_table(columns, [_texts(row) for row in ordered[:SHOWN]])
    if len(rows) > SHOWN:
        say(f"the table shows {SHOWN} of {len(rows)}; --out FILE or --json gives all")


def _texts(row: Prediction) -> tuple[str, ...]:
    if row.value is None:
        return (row.name, row.formula, "-", "-", "-", "-", row.warning)
    return (
        row.name, row.formula, f"{row.value:.3f}", f"{row.low:.3f} to {row.high:.3f}", f"{row.spread:.3f}",
        f"{row.ridge:.3f}", row.warning,
    )  # fmt: skip
