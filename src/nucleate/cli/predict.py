"""nucleate predict: structures for formulas, or for every composition of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nucleate.cli import options
from nucleate.cli.answered import Placing, answer_settings, present_answers
from nucleate.cli.console import resumable, say
from nucleate.cli.finish import Finish
from nucleate.cli.formulas import asked_formulas, warn_of_large_cells
from nucleate.cli.job import Drawing, formats, shard_of
from nucleate.cli.ranked import present
from nucleate.errors import FormulaError, ModelError

if TYPE_CHECKING:
    from nucleate.predictor import Predictor
    from nucleate.sampling.request import Request

SHOWN_RANKS = 3


def predict(
    formulas: Annotated[list[str] | None, typer.Argument(metavar="FORMULA...", help="SrTiO3; - is stdin.")] = None,
    file: Annotated[Path | None, typer.Option("--formulas", help="File with one formula a line; - is stdin.")] = None,
    n: Annotated[
        int | None,
        typer.Option("-n", min=1, help="Structures for each formula (20; 5 answers) or each row of --like (1)."),
    ] = None,
    formula_units: Annotated[
        str, typer.Option(help="Formula units in the cell: 1,2,4 for n of each; auto divides n among the likely ones.")
    ] = "auto",
    space_group: options.SpaceGroup = None,
    prototype: Annotated[
        str | None, typer.Option(help="Known crystal whose sites are taken: its name, a file, or auto for the nearest.")
    ] = None,
    propose: Annotated[
        str | None, typer.Option(help="With answers, who proposes: prototypes,free (default), sequences.")
    ] = None,
    rank: Annotated[str | None, typer.Option(help="Of answers: fitted (default), prior, agreement or energy.")] = None,
    potential: Annotated[
        str | None,
        typer.Option(help="Relaxes the best answers: auto, none, chgnet... Default: auto; with --like none."),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(min=0.1, help="Of answers: seconds for each formula; fewer draws and shorter relaxing then."),
    ] = None,
    reference: Annotated[
        Path | None, typer.Option(help="Data set that answers are placed against: meV/atom above its hull.")
    ] = None,
    hull: Annotated[str, typer.Option(help="Its hull: the potential's (default), dft, or a JSON of entries.")] = "",
    target: options.Target = None,
    guidance: options.Guidance = None,
    beyond: options.Beyond = False,
    adapter: options.Adapter = None,
    model: Annotated[
        str | None,
        typer.Option(help="answers (default), or one generator: shipped name, folder, hf:owner/name."),
    ] = None,
    sampler: options.Sampler = None,
    steps: options.Steps = None,
    nfe: options.Nfe = None,
    set_: options.Settings = None,
    seed: options.Seed = 0,
    out: options.Out = Path("predictions"),
    format_: options.Format = "cif",
    top: Annotated[int | None, typer.Option(min=1, help="Ranks of each formula to print (3).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON with the structures, for programs.")] = False,
    like: Annotated[Path | None, typer.Option(help="Data set folder: predict its compositions (extxyz only).")] = None,
    split: Annotated[str | None, typer.Option(help="Split of the data set: val.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="A random subset of the split, the same every time.")] = None,
    relax: options.Relax = None,
    relax_steps: options.RelaxSteps = None,
    cell: options.CellForm = "as-is",
    symprec: options.Symprec = 0.1,
    trajectory: options.Trajectory = False,
    device: options.Device = "auto",
    precision: options.Precision = "float32",
    edges: options.Edges = None,
    threads: options.Threads = None,
    shard: options.Shard = "0/1",
) -> None:  # fmt: skip
    """Predict crystal structures. Run the same command again to resume."""
    if (bool(formulas) or file is not None) == (like is not None):
        raise FormulaError("give either formulas or --like DIR", "for example: nucleate predict SrTiO3 -n 20")
    if like is not None and (as_json or top is not None):
        raise FormulaError(
            f"{'--json' if as_json else '--top'} is for rankings, and --like makes none",
            "leave it out; 'nucleate evaluate csp' judges what --like predicts",
        )
    if like is None:
        options.refuse_unread("without --like", {"--split": split, "--limit": limit})
    else:
        units = None if formula_units == "auto" else formula_units
        files = None if format_ in ("cif", "extxyz") else format_
        options.refuse_unread("with --like", {"--formula-units": units, "--format": files})
        options.refuse_unread("with --like", {"--space-group": space_group, "--prototype": prototype})
        options.refuse_unread("with --like", {"--reference": reference, "--hull": hull or None})
        options.refuse_unread("with --like", {"--relax": relax, "--cell": None if cell == "as-is" else cell})
    kinds, part = formats(format_), shard_of(shard)
    finish = Finish.of(cell, symprec, relax, relax_steps, kinds)
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    from nucleate.cli.steering import steering_of
    from nucleate.predictor import load

    of_diffusion = {
        "--sampler": sampler, "--steps": steps, "--nfe": nfe, "--trajectory": trajectory, "--edges": edges,
        "--space-group": space_group, "--prototype": prototype, "--adapter": adapter, "--target": target,
    }  # fmt: skip
    predictor = load(model or _fitting(of_diffusion), device, precision, adapters=adapter or [])
    settings = options.sampler_of(predictor, sampler, steps, nfe, set_)
    ranked = predictor.generator.ranked
    asked_so = {"--propose": propose, "--rank": rank, "--potential": potential, "--seconds": seconds}
    placing = None
    if ranked:
        settings = answer_settings(settings, set_, like is not None, propose, rank, potential, seconds)
        placing = Placing.of(reference, hull, settings.potential)
    else:
        asked_so |= {"--reference": reference, "--hull": hull or None}
        options.refuse_unread(f"with the model {predictor.name}", asked_so)
    if like is not None:
        if ranked and settings.known == "include":
            say(
                "known crystals of a composition come first; --set known=other asks for others, as benchmarks do"
            )
        requests = _like(predictor, like, split or "val", n or 1, limit)
    else:
        asked = asked_formulas(formulas or [], file, predictor.limits)
        number = n or (5 if ranked else 20)
        requests = _formulas(predictor, asked, number, formula_units, seed, space_group, prototype)
    requests = steering_of(target, guidance, beyond).steered(requests, predictor.generator, seed)
    with resumable(out):
        Drawing(predictor, requests, settings, seed, trajectory, edges).run(out, part)
        if like is None:
            order = list(dict.fromkeys(request.formula for request in requests))
            files = [kind for kind in kinds if kind != "extxyz"]
            if ranked:
                present_answers(
                    out, files, order, top or SHOWN_RANKS, as_json, finish, placing, settings.seconds
                )
            else:
                present(out, files, order, top or SHOWN_RANKS, as_json, finish)
    say(f"written to {out}")


def _fitting(of_diffusion: dict[str, object]) -> str:
    """The model that is taken where none is named: one that draws where options only make sense for a diffusion."""
    from nucleate.predictor import DEFAULT_MODEL
    from nucleate.predictor.loading import FREE_MODEL

    given = [name for name, value in of_diffusion.items() if value not in (None, False)]
    if not given:
        return DEFAULT_MODEL
    say(f"{FREE_MODEL} draws, since {given[0]} is for a single model; --model chooses another")
    return FREE_MODEL


def _formulas(
    predictor: Predictor, formulas: list[str], n: int, units: str, seed: int, space_group: int | None,
    prototype: str | None,
) -> list[Request]:  # fmt: skip
    from nucleate.predictor.requests import answers, symmetric_or_not

    parts = None if units == "auto" else units.split(",")
    if parts is not None and not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise FormulaError(
            f"--formula-units must be whole numbers above 0; got {units}", "write for example 1,2,4 or auto"
        )
    numbers = None if parts is None else tuple(int(part) for part in parts)
    if predictor.generator.ranked:
        return answers(formulas, n, predictor.limits, numbers, space_group, prototype)
    if space_group is None and prototype is None:
        warn_of_large_cells(formulas, predictor.limits, numbers)
    return symmetric_or_not(
        formulas,
        n,
        seed,
        predictor.limits,
        numbers,
        space_group,
        prototype,
        predictor.generator.chooses_sites,
    )


def _like(predictor: Predictor, folder: Path, split: str, n: int, limit: int | None) -> list[Request]:
    import numpy as np

    from nucleate.data.dataset import Dataset
    from nucleate.sampling.request import table_requests
    from nucleate.streams import LIKE_SEED, SUBSET

    table = Dataset.open(folder).split(split)
    rows = np.arange(len(table))
    if limit is not None and limit < len(table):
        rows = np.sort(SUBSET.generator(LIKE_SEED).permutation(len(table))[:limit])
    requests, refused = table_requests(table, n, predictor.limits, rows)
    if refused:
        say(f"{len(refused)} of {len(rows)} rows can't be predicted with this model; the first: {refused[0]}")
    if not requests:
        raise ModelError(
            f"no row of the {split} split of {folder} can be predicted", "use another model or split"
        )
    return requests
