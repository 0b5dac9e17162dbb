"""nucleate prototypes: indices of known crystals, from which structures are proposed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucleate.cli import options
from nucleate.cli.console import App, say
from nucleate.cli.progress import progress_bars
from nucleate.errors import DataError

app = App(help="Make indices of known crystals, from which structures are proposed.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Make indices of known crystals, from which structures are proposed."""


@app.command("index")
def index(
    data: Annotated[Path, typer.Argument(help="Folder of a data set.")],
    out: Annotated[Path, typer.Option(help="Parquet file of the index.")],
    split: Annotated[str, typer.Option(help="Split of the data set.")] = "train",
    source: Annotated[
        str, typer.Option(help="What the entries are said to be from. Default: the folder's name.")
    ] = "",
    workers: options.Workers = 2,
) -> None:
    """Find space group, Wyckoff orbits and prototype of every crystal of a split."""
    from nucleate.data.table import read_table, split_file
    from nucleate.files import check_target
    from nucleate.prototypes.files import write_index
    from nucleate.prototypes.index import index_of
    from nucleate.work import Work

    table = read_table(split_file(data, split))
    check_target(out)
    with progress_bars() as progress:
        found = index_of(table, source or data.resolve().name, Work.local(workers, progress))
    write_index(found, out)
    left = len(table) - len(found)
    say(
        f"{len(found)} crystals of {len(set(found.label.tolist()))} prototypes"
        + (f", {left} left out" if left else "")
    )
    say(f"written to {out}")


@app.command("train")
def train(
    index: Annotated[Path, typer.Argument(help="File of an index; its crystals are the questions.")],
    out: Annotated[Path, typer.Option(help="File of the ranking (.safetensors).")],
    sources: Annotated[str, typer.Option(help="Entries of these sources alone, such as mp_20.")] = "",
    cells: Annotated[
        str, typer.Option(help="same: cells of as many atoms; any: of any number of formula units.")
    ] = "same",
    examples: Annotated[int, typer.Option(min=10, help="Crystals whose candidates are judged.")] = 5000,
    seed: options.Seed = 0,
    workers: options.Workers = 2,
) -> None:
    """Learn which candidates for a composition are right, from the crystals of an index."""
    from nucleate.files import check_target
    from nucleate.prototypes.ranking import save_ranking
    from nucleate.prototypes.training import RankingSettings, train_ranking
    from nucleate.work import Work

    check_target(out)
    named = [one.strip() for one in sources.split(",") if one.strip()] or None
    if cells not in ("same", "any"):
        raise DataError(f"--cells must be same or any; got {cells}", "leave it out for same")
    settings = RankingSettings(cells=cells, examples=examples, seed=seed)
    with progress_bars() as progress:
        ranking, found = train_ranking(index, named, settings, Work.local(workers, progress))
    save_ranking(ranking, out)
    say(
        f"{found['examples']:.0f} examples; log loss of the last {found['held']:.0f}, held back: {found['loss']:.3f}"
    )
    say(f"written to {out}")
