"""nucleate relax: crystals from any files, moved to the nearest minimum of a potential."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nucleate.cli import options
from nucleate.cli.console import print_table, resumable, say
from nucleate.cli.job import formats

if TYPE_CHECKING:
    from nucleate.discovery.relaxing import RelaxedRow, Relaxing

SHOWN = 20
COLUMNS = ("name", "status", "eV/atom", "gained", "steps", "volume", "moved Å", "space group")


def relax(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILES...", help="CIF, POSCAR, extxyz, JSON; folders, zip or tar of them; runs; data sets."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("relaxed"),
    potential: Annotated[
        str, typer.Option(help="chgnet, sevennet, sevennet-l3i5, mace, mattersim, orb...")
    ] = "chgnet",
    keep_symmetry: Annotated[
        bool, typer.Option("--keep-symmetry/--free", help="Keep the space group found within --symprec.")
    ] = False,
    steps: Annotated[int, typer.Option(min=1, help="Steps after which a crystal counts as not converged.")] = 200,
    fmax: Annotated[float, typer.Option(help="Converged when no force on an atom or the cell is larger, eV/Å.")] = 0.05,
    fix_cell: Annotated[bool, typer.Option("--fix-cell", help="Move the atoms only.")] = False,
    format_: options.Format = "cif",
    cell: options.CellForm = "as-is",
    symprec: options.Symprec = 0.1,
    trajectory: Annotated[
        bool, typer.Option("--trajectory", help="Keep every step with its energy, in OUT/trajectories.")
    ] = False,
    split: Annotated[str, typer.Option(help="Split, if FILES includes a data set.")] = "",
    workers: options.Workers = 2,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for one crystal.")] = 300.0,
    json: Annotated[bool, typer.Option("--json", help="All rows as JSON to stdout, in place of the table.")] = False,
) -> None:  # fmt: skip
    """Relax crystals and write them. Run the same command again to resume."""
    from nucleate.cli.progress import progress_bars
    from nucleate.data.cell_forms import CellForm
    from nucleate.discovery.candidates import read_candidates
    from nucleate.discovery.relaxing import Relaxing
    from nucleate.energies.potentials import potential_named
    from nucleate.energies.relax import RelaxSettings
    from nucleate.work import Work

    kinds = tuple(kind for kind in formats(format_) if kind != "extxyz")
    settings = RelaxSettings(
        fmax, steps, cell=not fix_cell, timeout=timeout, keep_symmetry=symprec if keep_symmetry else None
    )
    relaxing = Relaxing(potential_named(potential), settings, CellForm(cell, symprec), kinds, trajectory)
    relaxing.potential.calculator()
    found = read_candidates(files, split)
    with resumable(out), progress_bars() as progress:
        rows = relaxing.run(found, out, Work.local(workers, progress))
    _print_json(relaxing, rows) if json else print_rows(rows)
    say(summary(rows))
    say(f"written to {out}; every crystal has a row in {out / 'relaxed.csv'}")
    if not any(row.written for row in rows):
        raise typer.Exit(1)


def summary(rows: Sequence[RelaxedRow]) -> str:
    """How many were relaxed, and the others by reason."""
    counts = Counter(row.status for row in rows)
    parts = [f"{counts.pop('relaxed', 0)} of {len(rows)} relaxed"]
    if late := counts.pop("not_converged", 0):
        parts.append(f"{late} not converged (written, their energies are upper bounds)")
    if counts:
        reasons = ", ".join(f"{count} {reason}" for reason, count in counts.most_common())
        parts.append(f"{counts.total()} failed ({reasons})")
    return "; ".join(parts)


def print_rows(rows: Sequence[RelaxedRow]) -> None:
    """Print the first rows, failed ones last."""
    ordered = sorted(rows, key=lambda row: not row.written)
    print_table(COLUMNS, [_texts(row) for row in ordered[:SHOWN]])
    if len(rows) > SHOWN:
        say(f"the table shows {SHOWN} of {len(rows)}; relaxed.csv holds all")


def _texts(row: RelaxedRow) -> tuple[str, ...]:
    if row.energy is None or row.energy_before is None:
        return (row.name, row.status, *"-" * (len(COLUMNS) - 2))
    group = row.space_group
    return (
        row.name, row.status, f"{row.energy:.4f}", f"{row.energy_before - row.energy:.4f}", f"{row.steps}",
        f"{row.volume_change or 0:+.1%}", f"{row.displacement or 0:.3f}",
        group if group == row.space_group_before else f"{row.space_group_before} to {group}",
    )  # fmt: skip


def _print_json(relaxing: Relaxing, rows: Sequence[RelaxedRow]) -> None:
    from dataclasses import asdict
    from json import dumps

    typer.echo(dumps({"settings": relaxing.asked, "crystals": [asdict(row) for row in rows]}, indent=1))
