"""nucleate train: a recipe, a data set, a run folder."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from nucleate.cli import options


def train(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe, for example kldm-csp-small.")],
    data: Annotated[Path, typer.Option(help="Data set folder, made by 'nucleate data import'.")],
    out: Annotated[Path, typer.Option(help="Run folder.")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Change a setting: key=value. Repeatable.")
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="Column of the data set that the recipe 'property' learns to predict.")
    ] = None,
    half: Annotated[
        str | None,
        typer.Option(help="Labels that a predictor sees: first or second half of the chemical systems."),
    ] = None,
    split_by: Annotated[
        str | None,
        typer.Option(help="Hold crystals out of its training: chemical-system, range or random."),
    ] = None,
    minutes: Annotated[float | None, typer.Option(min=0, help="Length of the whole run in minutes.")] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Length of the whole run in passes over the data.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume the run in OUT.")] = False,
    start_from: Annotated[
        str | None, typer.Option("--from", help="Model whose weights to start from, where they fit.")
    ] = None,
    devices: Annotated[
        int, typer.Option(min=1, max=options.MOST_DEVICES, help="Number of devices or processes.")
    ] = 1,
    strategy: Annotated[str, typer.Option(help="Lightning Fabric strategy, for example ddp.")] = "auto",
    accelerator: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    nodes: Annotated[int, typer.Option(min=1, max=10**6, help="Number of machines.")] = 1,
    threads: options.Threads = None,
) -> None:
    """Train a model. A run killed at any moment resumes with --resume."""
    import torch

    from nucleate.cli.console import say, shows_bars
    from nucleate.predictor.find import find_model
    from nucleate.recipes.registry import get_recipe
    from nucleate.runs.devices import Hardware
    from nucleate.runs.train import train_recipe

    if threads is not None:
        torch.set_num_threads(threads)
    for option, value in (("--epochs", epochs), ("--minutes", minutes)):
        options.refuse_both(set_, {"training.epochs": (option, value)})
    named = {"target": ("--target", target), "half": ("--half", half), "split_by": ("--split-by", split_by)}
    options.refuse_both(set_, named)
    if recipe != "property":
        options.refuse_unread(f"on {recipe}, which predicts no property", dict(named.values()))
    set_ = [*(set_ or []), *(f"{key}={value}" for key, (_, value) in named.items() if value is not None)]
    hardware = Hardware(devices, strategy, accelerator, nodes)
    asked = get_recipe(recipe, set_)
    for assignment in set_ or []:
        if why := asked.unread(assignment.partition(".")[0].strip()):
            options.refuse_unread(why, {"--set": assignment})
    outcome = train_recipe(
        asked,
        data,
        out,
        epochs=epochs,
        minutes=minutes,
        resume=resume,
        start_from=None if start_from is None else find_model(start_from),
        hardware=hardware,
        visible=shows_bars(),
        tell=say,
    )
    counters = outcome.counters
    if not outcome.main:
        return
    if outcome.state == "stopped":
        say(
            f"stopped after step {counters.step}; to resume, add --resume to the same command (run folder {out})"
        )
        raise typer.Exit(130)
    if outcome.state == "finished":
        say(
            f"the run in {out} is finished already ({counters.step} steps); to continue, raise --epochs or --minutes"
        )
        return
    say(f"{counters.step} steps in {counters.seconds / 60:.1f} min; best validation loss {counters.best:.4f}")
    where, model = quote(str(data)), quote(str(out / "model"))
    # a model need not know the elements of any formula that could stand here
    commands = {
        "csp": f"predict --like {where} --limit 20 --model {model}",
        "dng": f"generate -n 10 --model {model}",
        "property": f"evaluate property {model} --data {where}",
    }
    say(f"use it: nucleate {commands[asked.task]}")
