"""nucleate train: a recipe, a data set, a run folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from nucleate.cli import options
from nucleate.errors import RecipeError

if TYPE_CHECKING:
    from nucleate.recipes.contract import AnyRecipe
    from nucleate.runs.subject import Subject


def train(
    data: Annotated[Path, typer.Option(help="Data set folder, made by 'nucleate data import'.")],
    out: Annotated[Path, typer.Option(help="Run folder.")],
    recipe: Annotated[
        str | None,
        typer.Argument(help="Name of a recipe, for example kldm-csp-small; none for an adapter."),
    ] = None,
    condition: Annotated[
        list[str] | None,
        typer.Option(
            help="Property that the model is told: a column of the data, or element_system, "
            "crystal_system, space_group, atoms, density. Repeatable."
        ),
    ] = None,
    adapter: Annotated[
        str | None, typer.Option(help="Train an adapter of this name for the model named by --from.")
    ] = None,
    tune_base: Annotated[
        bool, typer.Option("--tune-base", help="With --adapter: train the model too, into a whole model.")
    ] = False,
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
    from nucleate.runs.adapter import OnBase
    from nucleate.runs.devices import Hardware
    from nucleate.runs.subject import Subject
    from nucleate.runs.train import train_recipe

    if threads is not None:
        torch.set_num_threads(threads)
    for option, value in (("--epochs", epochs), ("--minutes", minutes)):
        options.refuse_both(set_, {"training.epochs": (option, value)})
    named = {"target": ("--target", target), "half": ("--half", half), "split_by": ("--split-by", split_by)}
    options.refuse_both(set_, named)
    if recipe != "property":
        options.refuse_unread(
            f"on {recipe or 'an adapter'}, which predicts no property", dict(named.values())
        )
    set_ = [*(set_ or []), *(f"{key}={value}" for key, (_, value) in named.items() if value is not None)]
    hardware = Hardware(devices, strategy, accelerator, nodes)
    subject = Subject()
    if adapter is not None:
        asked, subject = adapting(adapter, recipe, start_from, condition, set_, tune_base)
    else:
        options.refuse_unread("without --adapter", {"--tune-base": tune_base})
        asked = get_recipe(recipe_named(recipe), told(condition, set_))
        subject = based(asked)
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
        start_from=None if start_from is None or isinstance(subject, OnBase) else find_model(start_from),
        hardware=hardware,
        visible=shows_bars(),
        tell=say,
        subject=subject,
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
    if isinstance(subject, OnBase):
        model = f"{quote(str(start_from))} --adapter {quote(str(out))}"
        commands = {task: text.replace(quote(str(out / "model")), model) for task, text in commands.items()}
    say(f"use it: nucleate {commands[asked.task]}")


def based(asked: AnyRecipe) -> Subject:
    """What a run makes of a recipe, with the generator that it starts from where it names one."""
    from nucleate.runs.subject import Subject

    if not asked.base:
        return Subject()
    from nucleate.predictor import load
    from nucleate.runs.based import FromGenerator

    if asked.proposals and not Path(asked.proposals).exists():
        raise RecipeError(
            f"there are no proposals at {asked.proposals}",
            f"draw them: nucleate predict --like DATA --split train -n 1 --model {asked.base} --out FOLDER; or leave "
            "proposals out",
        )
    drawn = load(asked.proposals).generator if asked.proposals else None
    return FromGenerator(load(asked.base).generator, drawn)


def recipe_named(recipe: str | None) -> str:
    """The recipe. Raises RecipeError where there is none."""
    if recipe is None:
        raise RecipeError(
            "no recipe is named", "name one, such as kldm-csp-small, or give --adapter and --from"
        )
    return recipe


def told(condition: list[str] | None, assignments: list[str] | None) -> list[str]:
    """The assignments of --set with that of --condition."""
    if not condition:
        return assignments or []
    options.refuse_both(assignments, {"conditions": ("--condition", condition)})
    import json

    return [*(assignments or []), f"conditions={json.dumps(condition)}"]


def adapting(
    name: str, recipe: str | None, base: str | None, condition: list[str] | None,
    assignments: list[str] | None, tune_base: bool,
) -> tuple[AnyRecipe, Subject]:  # fmt: skip
    """The recipe of an adapter and what a run makes of it; with tune_base a whole model with the conditions.

    Its condition is the property of its name, where no other is given. Raises RecipeError where the model is not named.
    """
    from nucleate.model.crystal_model import CrystalModel
    from nucleate.predictor.find import find_model, label
    from nucleate.recipes.adapter import adapter_recipe, adapter_training
    from nucleate.runs.adapter import OnBase
    from nucleate.runs.model_folder import checksum, load_model
    from nucleate.runs.subject import Subject
    from nucleate.settings import from_dict, override, to_dict

    if base is None:
        raise RecipeError(f"the adapter '{name}' needs a model", "name it with --from")
    if recipe is not None:
        raise RecipeError(
            f"an adapter has the recipe of its model, and {recipe} is named too", "leave the recipe out"
        )
    folder, names = find_model(base), condition or [name]
    model, own, _ = load_model(folder)
    if tune_base:
        whole = {**to_dict(own), "conditions": [*(own.conditions or ()), *names], "described": None}
        whole = {key: value for key, value in whole.items() if value is not None}
        whole["training"] = to_dict(replace(adapter_training(), order=own.training.order))
        return override(from_dict(type(own), whole).completed(), assignments or []), Subject()
    if not isinstance(model, CrystalModel):
        raise RecipeError(f"{base} can't have adapters", "name a diffusion model or flow")
    asked = adapter_recipe(name, label(base, folder), checksum(folder), own, tuple(names), adapter_training())
    return override(asked, assignments or []), OnBase(model)
