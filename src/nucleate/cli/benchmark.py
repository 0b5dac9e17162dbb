"""nucleate benchmark: methods compared on equal terms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from nucleate.cli import options
from nucleate.cli.benchmark_families import families
from nucleate.cli.compared import checked, surroundings
from nucleate.cli.console import App, say
from nucleate.cli.job import shard_of
from nucleate.files import check_target, writing

app = App(no_args_is_help=True, help="Compare methods on equal terms: data, budget and judge.")


@app.callback()
def _root() -> None:
    """Compare methods on equal terms: data, budget and judge."""


app.command("families")(families)


@app.command("cross")
def cross(
    data: Annotated[list[Path], typer.Argument(help="Data set folders.")],
    out: Annotated[Path, typer.Option(help="Folder of the runs; run the command again to resume.")],
    only: Annotated[
        list[str] | None, typer.Option(help="A pair such as kinetic/vp-x0; all by default. Repeatable.")
    ] = None,
    recipe: Annotated[
        list[str] | None, typer.Option(help="Compare these recipes instead of pairs. Repeatable.")
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="Network of the pairs: cross, cross-tiny or cross-mini, the default.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Training budget of each model.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0, help="Training budget in minutes of this machine.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Training seeds.")] = 3,
    nfe: Annotated[str, typer.Option(help="Costs at which samplers are tried.")] = "10,20,50,100",
    swept: Annotated[int, typer.Option(min=0, help="Seeds measured at all costs; the others only at the last.")] = 1,
    limit: Annotated[int, typer.Option(min=1, help="Validation crystals, one sample each.")] = 200,
    top: Annotated[int, typer.Option(min=0, help="Validation crystals with 20 samples each.")] = 100,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Change a setting of every model.")] = None,
    shard: Annotated[str, typer.Option(help="I/N: every N-th model from I on, for array jobs.")] = "0/1",
    devices: Annotated[int, typer.Option(min=1, max=options.MOST_DEVICES, help="Devices of each training.")] = 1,
    strategy: Annotated[str, typer.Option(help="Lightning Fabric strategy, for example ddp.")] = "auto",
    accelerator: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    threads: options.Threads = None,
    workers: options.Workers = 1,
    report: Annotated[Path | None, typer.Option(help="Write the record of everything measured so far as JSON.")] = None,
) -> None:  # fmt: skip
    """Every process of the coordinates with every process of the lattice, or recipes by name."""
    import torch

    from nucleate.comparison.collect import collect
    from nucleate.comparison.plan import Plan, cross_entries, recipe_entries
    from nucleate.comparison.units import run_unit
    from nucleate.runs.devices import Hardware
    from nucleate.work import Work

    if threads is not None:
        torch.set_num_threads(threads)
    if recipe:
        options.refuse_unread("with --recipe", {"--only": only, "--base": base})
    base = base or "cross-mini"
    entries = recipe_entries(recipe, set_ or []) if recipe else cross_entries(only or [], base, set_ or [])
    budget = 16 if epochs is None and minutes is None else epochs
    plan = Plan(checked(data), entries, seeds, budget, minutes, _costs(nfe), swept, limit, top)
    part = shard_of(shard)
    check_target(report)
    hardware = Hardware(devices, strategy, accelerator)
    for unit in plan.units()[part.index :: part.count]:
        if not run_unit(plan, unit, out, hardware, Work.local(workers), say):
            say(f"stopped; run the same command to resume (folder {out})")
            raise typer.Exit(130)
    if report is not None:
        record = json.dumps(_described(plan, base, set_ or [], collect(plan, out)), indent=1) + "\n"
        with writing(report):
            report.write_text(record)
        say(f"written to {report}")


def _costs(text: str) -> tuple[int, ...]:
    from nucleate.errors import RecipeError

    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise RecipeError(f"--nfe must be whole numbers above 0; got {text}", "write for example 10,20,50")
    return tuple(sorted(map(int, parts)))


def _described(plan, base: str, assignments: list[str], results: dict) -> dict:
    """The record: results, the request, and where it ran."""
    around = surroundings()
    return {
        "title": "Processes of the coordinates and of the lattice, crossed",
        "command": around["command"],
        "base": base,
        "settings": assignments,
        "seeds": plan.seeds,
        "epochs": plan.epochs,
        "minutes": plan.minutes,
        "protocol": "geometry",
        "split": "val",
        "crystals": plan.limit,
        "top_crystals": plan.top,
        "hardware": around["hardware"],
        "versions": around["versions"],
        "results": results,
    }  # fmt: skip
