"""nucleate data filter, merge and sample: data sets from data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucleate.cli.console import say
from nucleate.cli.data.ranges import read_span

Source = Annotated[Path, typer.Argument(help="A data set.")]
Out = Annotated[Path, typer.Option(help="Folder of the new data set.")]


def filter_(
    folder: Source,
    out: Out,
    elements: Annotated[str, typer.Option(help="Crystals with all of these, such as Li,O.")] = "",
    only: Annotated[str, typer.Option(help="Crystals of these elements and no others.")] = "",
    without: Annotated[str, typer.Option(help="Crystals with none of these.")] = "",
    atoms: Annotated[str, typer.Option(help="Atoms in the cell, MIN:MAX.")] = ":",
    where: Annotated[
        list[str] | None, typer.Option(help="Property condition such as 'band_gap>1' (repeatable).")
    ] = None,
    new_to: Annotated[
        Path | None, typer.Option(help="A data set: leave out formulas of its training split.")
    ] = None,
) -> None:
    """Take the rows that meet all conditions into a new data set; rows stay in their splits."""
    from nucleate.data.choosing import Choice, Condition, read_elements
    from nucleate.data.dataset import Dataset
    from nucleate.data.derived import filter_dataset
    from nucleate.errors import DataError

    choice = Choice(
        read_elements(elements),
        read_elements(only),
        read_elements(without),
        read_span(atoms, "--atoms") if atoms.strip() != ":" else Choice().atoms,
        tuple(Condition.read(one) for one in where or ()),
        None if new_to is None else Dataset.open(new_to),
    )
    if choice == Choice():
        raise DataError(
            "no condition was given", "give --elements, --only, --without, --atoms, --where or --new-to"
        )
    _say(filter_dataset(Dataset.open(folder), out, choice), out)


def merge(
    folders: Annotated[list[Path], typer.Argument(help="Data sets, in the order of their rows.")],
    out: Out,
    duplicates: Annotated[
        str, typer.Option(help="For ids that occur twice: error, first (keep it) or rename.")
    ] = "error",
) -> None:
    """Join data sets: splits of one name together, columns united."""
    from nucleate.data.dataset import Dataset
    from nucleate.data.derived import merge_datasets
    from nucleate.errors import DataError

    if len(folders) < 2:
        raise DataError("one data set can't be merged", "give two or more folders")
    _say(merge_datasets([Dataset.open(one) for one in folders], out, duplicates), out)


def sample(
    folder: Source,
    out: Out,
    count: Annotated[int, typer.Option("-n", min=1, help="Rows to draw.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same rows.")] = 0,
    each: Annotated[
        bool, typer.Option("--each", help="This many of every split, not of the whole set.")
    ] = False,
) -> None:
    """Draw rows at random into a new data set; rows stay in their splits and in their order."""
    from nucleate.data.dataset import Dataset
    from nucleate.data.derived import sample_dataset

    _say(sample_dataset(Dataset.open(folder), out, count, seed, each), out)


def _say(info: dict, out: Path) -> None:
    left_out = info["source"]["made"]["left_out"]
    for name in dict.fromkeys([*info["counts"], *left_out]):
        left = f", {left_out[name]} left out" if left_out.get(name) else ""
        say(f"{name}: {info['counts'].get(name, 0)} rows{left}")
    say(f"{out}: {sum(info['counts'].values())} crystals")
