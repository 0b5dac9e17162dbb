"""nucleate benchmark families: kinds of models at one budget of training and one of sampling."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nucleate.cli import options
from nucleate.cli.compared import checked, surroundings
from nucleate.cli.console import print_table, resumable, say
from nucleate.cli.job import shard_of
from nucleate.cli.progress import progress_bars
from nucleate.files import check_target, write_whole, writing

if TYPE_CHECKING:
    from nucleate.comparison.families.plan import FamilyPlan

TABLE = "families.csv"
SHOWN = ("family", "MR@1 %", "RMSE", "made/s", "valid structure %", "valid composition %", "P1 %", "novel %", "U.N. %",
         "S.U.N. %")  # fmt: skip
"""Columns in the terminal; the file has all."""


def families(
    data: Annotated[list[Path], typer.Argument(help="Data set folders.")],
    out: Annotated[Path, typer.Option(help="Folder of the models; run the command again to resume.")],
    only: Annotated[
        list[str] | None, typer.Option(help="A family such as cdvae; all by default. Repeatable.")
    ] = None,
    minutes: Annotated[
        float, typer.Option(min=1e-3, help="Training of each model, in minutes of processor time.")
    ] = 60.0,
    seconds: Annotated[
        float, typer.Option(min=1e-3, help="Sampling of each model and task, in seconds of processor time.")
    ] = 60.0,
    crystals: Annotated[int, typer.Option(min=1, help="Crystals generated from nothing, at most.")] = 1000,
    compositions: Annotated[
        int, typer.Option(min=1, help="Validation compositions predicted once each, at most.")
    ] = 200,
    seeds: Annotated[int, typer.Option(min=1, help="Training seeds.")] = 3,
    references: Annotated[
        int | None, typer.Option(min=1, help="Compare with this many validation crystals; all by default.")
    ] = None,
    relaxed: Annotated[
        int, typer.Option(min=0, help="Generated crystals that CHGNet relaxes for S.U.N.; 0 for none.")
    ] = 0,
    shard: Annotated[str, typer.Option(help="I/N: every N-th row from I on, for array jobs.")] = "0/1",
    threads: Annotated[int, typer.Option(min=1, max=options.MOST_THREADS, help="Threads of the CPU.")] = 1,
    workers: options.Workers = 1,
    report: Annotated[Path | None, typer.Option(help="Write the record of everything measured so far as JSON.")] = None,
) -> None:  # fmt: skip
    """Diffusion, flow, variational, adversarial, language models, substitution and retrieval, on the CPU.

    Each model trains for the same time and draws for the same time. A family that fails is told and left out; run the
    command again to try it once more.
    """
    import torch

    from nucleate.comparison.families.judged import POTENTIAL
    from nucleate.comparison.families.members import families_named
    from nucleate.comparison.families.plan import FamilyPlan
    from nucleate.comparison.families.unit import FAILED, STOPPED, run_family_unit
    from nucleate.energies.potentials import potential_named
    from nucleate.work import Work

    torch.set_num_threads(threads)
    plan = FamilyPlan(
        checked(data), families_named(only or []), seeds, minutes, seconds, crystals, compositions, references, relaxed
    )  # fmt: skip
    part = shard_of(shard)
    check_target(report)
    if relaxed:
        potential_named(POTENTIAL).calculator()
    failed = 0
    with resumable(out), progress_bars() as progress:
        for unit in plan.units()[part.index :: part.count]:
            work = Work.local(workers, progress, out / unit.data.name / ".nucleate-cache")
            state = run_family_unit(plan, unit, out, work, say)
            if state == STOPPED:
                say(f"stopped; run the same command to resume (folder {out})")
                raise typer.Exit(130)
            failed += state == FAILED
    _present(plan, out, report)
    if failed:
        raise typer.Exit(1)


def _present(plan: FamilyPlan, out: Path, report: Path | None) -> None:
    """The tables, the file of all columns, and the record where it is asked for."""
    import json

    from nucleate.comparison.families.collect import collect_families
    from nucleate.comparison.families.table import table_rows
    from nucleate.records.tables import write_rows

    results = collect_families(plan, out)
    every = []
    for data, found in results.items():
        rows = table_rows(found)
        every += [{"data": data, **row} for row in rows]
        print_table((data, *SHOWN[1:]), [[row[name] for name in SHOWN] for row in rows])
    with writing(out / TABLE):
        write_rows(every, out / TABLE)
    say(f"all columns: {out / TABLE}")
    if report is not None:
        write_whole(report, json.dumps(_described(plan, results), indent=1) + "\n")
        say(f"written to {report}")


def _described(plan: FamilyPlan, results: dict[str, Any]) -> dict[str, Any]:
    """The record: results, the request, and where it ran."""
    from dataclasses import fields

    budget = {
        field.name: getattr(plan, field.name)
        for field in fields(plan)
        if field.name not in ("data", "families")
    }
    return {**surroundings(), **budget, "split": "val", "results": results}
