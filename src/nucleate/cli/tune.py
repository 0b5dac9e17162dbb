"""nucleate tune: a model, a reward, a run folder."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from nucleate.cli import options

MOST = 10**9


def tune(
    model: Annotated[str, typer.Argument(help="Model to tune: shipped name, model or run folder.")],
    reward: Annotated[Path, typer.Option(help="TOML file that says what is good.")],
    out: Annotated[Path, typer.Option(help="Run folder; the tuned model lies in OUT/model.")],
    method: Annotated[
        str,
        typer.Option(help="weighted: train on the best draws. policy: policy gradient on the sampler's steps. "
                     "sequences: policy gradient on Wyckoff sequences before a structure model."),
    ] = "weighted",
    calls: Annotated[
        int | None, typer.Option(min=1, max=MOST, help="End after so many crystals that the reward measured (1000).")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, max=MOST, help="End after so many rounds of drawing and learning.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(min=0.001, max=1e7, help="End after so many minutes.")] = None,
    formulas: Annotated[
        str | None, typer.Option(help="Compositions for a model that has to be given them: SrTiO3,NaCl.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Data set that stands for draws of the untouched model (weighted).")
    ] = None,
    structures: Annotated[
        str | None, typer.Option(help="Structure model behind Wyckoff sequences; kldm-mp20-symmetric by default.")
    ] = None,
    judge: Annotated[
        str,
        typer.Option(help="Predictor that reports and does not reward; auto: the shipped one of the other half of "
                     "the labels; none."),
    ] = "auto",
    rank: Annotated[
        int | None, typer.Option(min=0, max=1024, help="Learn changes of this rank only; 0 for all weights.")
    ] = None,
    seed: options.Seed = 0,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Change a setting: key=value. Repeatable.")
    ] = None,
    device: options.Device = "auto",
    threads: options.Threads = None,
) -> None:  # fmt: skip
    """Tune a model by a reward of your own. The same command goes on where it stopped."""
    import torch

    from nucleate.cli.console import resumable, say, warn
    from nucleate.tuning.settings import Budget
    from nucleate.tuning.tune import tune as run

    if threads is not None:
        torch.set_num_threads(threads)
    options.refuse_both(set_, {"rank": ("--rank", rank), "seed": ("--seed", seed or None)})
    given = {"rank": rank, "seed": seed or None}
    changes = [*(set_ or []), *(f"{key}={value}" for key, value in given.items() if value is not None)]
    named = [one.strip() for one in (formulas or "").split(",") if one.strip()]
    with resumable(out):
        done = run(
            model, reward, out, method, budget=Budget(calls, rounds, minutes), settings=changes, formulas=named,
            data=data, structures=structures, judge=judge, device=device, tell=say, warn=warn,
        )  # fmt: skip
    if done.state == "stopped":
        say(f"stopped after round {done.rounds}; the same command goes on (run folder {out})")
        raise typer.Exit(130)
    if done.state == "finished":
        say(f"the run in {out} is finished already ({done.calls} calls); to continue, raise --calls")
        return
    say(f"{done.calls} property calls in {done.rounds} rounds; the curve is in {out / 'curve.csv'}")
    verb = "predict SrTiO3" if formulas else "generate -n 10"
    say(f"use it: nucleate {verb} --model {quote(str(done.model))}")
