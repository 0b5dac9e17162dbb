"""nucleate latent: ways through the latent space of a model that has one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nucleate.cli import options
from nucleate.cli.console import App, resumable, say
from nucleate.cli.job import Drawing, formats
from nucleate.cli.progress import progress_bars
from nucleate.errors import DataError, RecipeError

if TYPE_CHECKING:
    from nucleate.families.ways import Named, Way
    from nucleate.predictor import Predictor

app = App(help="Reconstruct, vary, interpolate and optimise in a latent space.", no_args_is_help=True)

Files = Annotated[
    list[Path], typer.Argument(metavar="FILES...", help="Crystals: CIF, POSCAR, extxyz, folders, data sets.")
]
Split = Annotated[str, typer.Option(help="Split, where FILES is a data set.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first so many crystals.")]


@app.callback()
def _group() -> None:
    """Reconstruct, vary, interpolate and optimise in a latent space."""


@app.command("reconstruct")
def reconstruct(
    files: Files,
    model: options.Model,
    split: Split = "",
    limit: Limit = None,
    keep: Annotated[
        bool, typer.Option("--keep-composition", help="Elements and atoms are given; else the heads say them.")
    ] = False,
    set_: options.Settings = None,
    seed: options.Seed = 0,
    out: options.Out = Path("reconstructed"),
    device: options.Device = "auto",
    threads: options.Threads = None,
) -> None:  # fmt: skip
    """Encode crystals, decode them, and compare. Run the same command again to resume."""
    from nucleate.families.ways import reconstruction

    predictor, latent = latent_space(model, device, threads)
    crystals = _crystals(files, split, limit)
    way = reconstruction(latent.model, crystals, keep)
    _decode(predictor, way, set_, seed, out, None)
    _compare(crystals, way, out)


@app.command("near")
def near(
    files: Files,
    model: options.Model,
    n: Annotated[int, typer.Option("-n", min=1, help="Crystals about each of FILES.")] = 10,
    spread: Annotated[
        float, typer.Option(min=0, max=100, help="Standard deviation about each latent vector.")
    ] = 0.6,
    split: Split = "",
    limit: Limit = None,
    set_: options.Settings = None,
    seed: options.Seed = 0,
    out: options.Out = Path("near"),
    format_: options.Format = "cif",
    device: options.Device = "auto",
    threads: options.Threads = None,
) -> None:  # fmt: skip
    """Decode points near known crystals."""
    from nucleate.families.ways import near

    predictor, latent = latent_space(model, device, threads)
    way = near(latent.model, _crystals(files, split, limit), n, spread, seed)
    _decode(predictor, way, set_, seed, out, format_)


@app.command("interpolate")
def interpolate(
    files: Files,
    model: options.Model,
    steps: Annotated[int, typer.Option(min=2, max=10_000, help="Crystals on the way, ends included.")] = 9,
    set_: options.Settings = None,
    seed: options.Seed = 0,
    out: options.Out = Path("interpolated"),
    format_: options.Format = "cif",
    device: options.Device = "auto",
    threads: options.Threads = None,
) -> None:  # fmt: skip
    """Decode points on the line between two crystals."""
    from nucleate.families.ways import line

    predictor, latent = latent_space(model, device, threads)
    ends = _crystals(files, "", None)
    if len(ends) != 2:
        raise DataError(f"a line has two ends, and {len(ends)} crystals are given", "give two")
    _decode(predictor, line(latent.model, ends[0], ends[1], steps), set_, seed, out, format_)


@app.command("optimise")
def optimise(
    model: options.Model,
    aim: Annotated[str, typer.Option(help="min, max, or a value of the property that the model predicts.")],
    n: Annotated[int, typer.Option("-n", min=1, help="Starts, drawn from the prior.")] = 100,
    start: Annotated[Path | None, typer.Option(help="Crystals to start from instead.")] = None,
    split: Split = "",
    steps: Annotated[int, typer.Option(min=1, max=10**6, help="Steps of Adam.")] = 5000,
    rate: Annotated[float, typer.Option(min=1e-9, max=10, help="Its learning rate.")] = 1e-3,
    snapshots: Annotated[int, typer.Option(min=1, help="Crystals decoded on each way.")] = 10,
    set_: options.Settings = None,
    seed: options.Seed = 0,
    out: options.Out = Path("optimised"),
    format_: options.Format = "cif",
    device: options.Device = "auto",
    threads: options.Threads = None,
) -> None:  # fmt: skip
    """Move latent vectors to where the property is least, largest or near a value, and decode them."""
    from nucleate.families.ways import Descent, optimised, prior

    predictor, latent = latent_space(model, device, threads)
    descent, goal = Descent(steps, rate, snapshots), aim_of(aim)
    if start is None:
        names, z = [f"prior-{i}" for i in range(n)], prior(latent.model, n, seed)
    else:
        crystals = _crystals([start], split, n)
        names, z = [one.name for one in crystals], latent.model.encode([one.cell for one in crystals])
    before = latent.model.property_of(z).detach()
    with progress_bars() as progress:
        done = iter(range(1, steps + 1))
        way = optimised(
            latent.model, z, names, goal, descent, lambda: progress("optimising", next(done), steps)
        )
    after = latent.model.property_of(way.points[-len(names) :]).detach()
    say(f"mean predicted {latent.model.target}: {float(before.mean()):.4g}, then {float(after.mean()):.4g}")
    _decode(predictor, way, set_, seed, out, format_)


def aim_of(text: str) -> Any:
    """--aim. Raises RecipeError for what is no aim."""
    if text in ("min", "max"):
        return text
    try:
        return float(text)
    except ValueError:
        raise RecipeError(f"the aim can't be '{text}'", "give min, max or a number") from None


def latent_space(name: str, device: str, threads: int | None) -> tuple[Predictor, Any]:
    """A model and its generator. Raises ModelError for a model without a latent space."""
    import torch

    from nucleate.families.latent import latent_generator
    from nucleate.predictor import load

    if threads is not None:
        torch.set_num_threads(threads)
    predictor = load(name, device)
    return predictor, latent_generator(predictor.generator)


def _crystals(paths: Sequence[Path], split: str, limit: int | None) -> list[Named]:
    """The crystals of some sources. Raises DataError where there are none that can be read."""
    from nucleate.discovery.candidates import read_candidates
    from nucleate.families.ways import Named

    found = read_candidates(list(paths), split)[:limit]
    rows = len(paths) == 1 and (paths[0] / "dataset.json").is_file()
    sound = [
        Named(one.name, one.cell, row if rows else None)
        for row, one in enumerate(found)
        if one.cell is not None
    ]
    if not sound:
        raise DataError(f"none of {len(found)} crystals can be read", "give files of crystals")
    if len(sound) < len(found):
        say(f"{len(found) - len(sound)} of {len(found)} crystals can't be read and are left out")
    return sound


def _decode(
    predictor: Predictor, way: Way, set_: list[str] | None, seed: int, out: Path, format_: str | None
) -> None:
    """Decode the points into a folder. format_: files besides extxyz, and a table; None for neither."""
    from nucleate.cli.finish import Finish
    from nucleate.cli.generate import present
    from nucleate.families.latent import latent_generator
    from nucleate.predictor import Predictor
    from nucleate.sampling.job import Shard

    kinds = ["extxyz"] if format_ is None else formats(format_)
    settings = options.sampler_of(predictor, None, None, None, set_)
    generator = latent_generator(predictor.generator).at(way.points, way.requests)
    placed = Predictor(generator, predictor.recipe, predictor.card, predictor.folder)
    stem = "predictions" if format_ is None else "generated"
    with resumable(out):
        Drawing(placed, way.requests, settings, seed, False, None, stem).run(out, Shard(0, 1))
        if kinds != ["extxyz"]:
            finish = Finish.of("as-is", 0.1, None, None, kinds)
            present(out, [kind for kind in kinds if kind != "extxyz"], finish)
    say(f"written to {out}")


def _compare(crystals: Sequence[Named], way: Way, out: Path) -> None:
    """Say how many crystals came back."""
    from nucleate.metrics.csp.evaluate import match_rate
    from nucleate.metrics.reading import read_structures

    found = {frame.info.get("key"): frame.cell for frame in read_structures(out)[0]}
    decoded = [found.get(request.name_of_key) for request in way.requests]
    elements = sum(
        cell is not None and sorted(cell.species.tolist()) == sorted(one.cell.species.tolist())
        for cell, one in zip(decoded, crystals, strict=True)
    )
    rate = match_rate(decoded, [one.cell for one in crystals])
    rmse = "" if rate.rmse is None else f", RMSE {rate.rmse:.3f}"
    say(
        f"{elements} of {len(crystals)} compositions came back; match rate {rate.match_rate:.1%}{rmse} "
        "(geometry protocol, one sample)"
    )
