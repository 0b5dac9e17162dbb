"""`nucleate evaluate show`: the text, table and page of an earlier evaluation, made again from its JSON file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucleate.files import check_target


def show(
    file: Annotated[Path, typer.Argument(help="What 'nucleate evaluate csp' or 'dng' wrote with --json.")],
    table: Annotated[
        Path | None, typer.Option(help="Write one row for each crystal: .csv or .parquet.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write an HTML report to this file (generated crystals).")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Print all numbers, not only headline and funnel.")
    ] = False,
) -> None:
    """Text, table and page of an evaluation, made again from its JSON file; nothing is judged again."""
    from nucleate.records.tables import check_ending
    from nucleate.report import files

    if table:
        check_ending(table)
    report = files.load(file)
    for path in (table, html):
        check_target(path)
    typer.echo(files.show(report, table, html, full))
