"""`nucleate discover ingest`: results of calculations back into the ledger of a funnel."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from nucleate.cli.console import print_table, say

COLUMNS = ("candidate", "program", "eV/atom", "corrected", "volume", "largest force", "found by")


def ingest(
    folder: Annotated[Path, typer.Argument(help="Folder of 'nucleate discover PLAN --out FOLDER'.")],
    results: Annotated[
        Path,
        typer.Argument(
            help="Folder or file of results: vasprun.xml, what ASE reads, JSON of pymatgen entries."
        ),
    ],
) -> None:
    """Read results of calculations, find their candidates, and keep the numbers in the ledger."""
    from nucleate.funnel.ingest import ingest as read

    found = read(folder, results)
    print_table(COLUMNS, [_texts(one) for one in found.rows])
    for problem in found.problems:
        say(problem)
    for one in found.matches:
        if one.note:
            say(f"{one.result.where}: {one.note}")
    kept = len(found.rows)
    say(f"{kept} of {len(found.matches)} results belong to candidates, {found.new} of them new to the ledger")
    if not kept:
        raise typer.Exit(1)


def _texts(one: Mapping[str, Any]) -> tuple[str, ...]:
    corrected, force = one["corrected_per_atom"], one["fmax"]
    return (
        one["candidate"], one["code"], f"{one['energy_per_atom']:.4f}",
        "-" if corrected is None else f"{corrected:.4f}", f"{one['volume_change']:+.1%}",
        "-" if force is None else f"{force:.3f}", one["by"],
    )  # fmt: skip
