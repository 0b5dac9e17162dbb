"""nucleate convert: models of other programs as model folders."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucleate.cli.console import App, say

app = App(no_args_is_help=True, help="Convert a model that another program trained.")


@app.callback()
def _root() -> None:
    """Convert a model that another program trained."""


@app.command("diffcsp")
def diffcsp(
    file: Annotated[Path, typer.Argument(help="Checkpoint of DiffCSP's public code: .safetensors, .pt or .ckpt.")],
    out: Annotated[Path, typer.Option(help="Model folder to write.")],
    data: Annotated[Path | None, typer.Option(help="Data set it was trained on, for elements and sizes.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the model on its card; the folder's by default.")] = None,
) -> None:  # fmt: skip
    """A model folder from a checkpoint of DiffCSP, for predict or generate."""
    from nucleate.runs.convert import convert_diffcsp

    recipe, card = convert_diffcsp(file, out, data, name)
    say(f"{card['name']}: recipe {recipe.name}, {card['parameters']:,} parameters, written to {out}")
    if data is None:
        say(f"training data {card['data']['note']}; to take them from a data set: --data DATASET")
    say(f"sampler: as published for MP-20, step size tau = {recipe.sampler.tau}; others: --set tau=...")
    command = "predict NaCl" if recipe.task == "csp" else "generate -n 10"
    say(f"use it: nucleate {command} --model {out}")
