"""nucleate generate: new crystals, from nothing or around what is given."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from nucleate.cli import options
from nucleate.cli.console import print_table, resumable, say
from nucleate.cli.finish import Finish
from nucleate.cli.formulas import readable
from nucleate.cli.job import Drawing, formats, shard_of
from nucleate.errors import FormulaError

SHOWN = 10
FREE, STEERED = "kldm-mp20-dng-large", "kldm-mp20-dng"
"""The default models: one that invents best; one that has adapters, whose steering was measured, and that takes what is
given in any order."""
Model = Annotated[
    str | None,
    typer.Option(
        help=f"Shipped name, model or run folder, hf:owner/name. Default: {FREE}; {STEERED} with --adapter, "
        "--towards, --complete or --space-group."
    ),
]


def generate(
    n: Annotated[int, typer.Option("-n", min=1, help="How many crystals.")] = 20,
    atoms: Annotated[
        str | None, typer.Option(help="Atoms in the cell: 8 or 4-12; as in the training data by default.")
    ] = None,
    species_fixed: Annotated[str | None, typer.Option(help="Formula of the cell: all species are fixed.")] = None,
    lattice_fixed: Annotated[Path | None, typer.Option(help="File whose cell is kept.")] = None,
    complete: Annotated[Path | None, typer.Option(help="File whose atoms and cell are kept; see --atoms.")] = None,
    space_group: options.SpaceGroup = None,
    elements: Annotated[str | None, typer.Option(help="Exactly these elements: Li,Fe,P,O.")] = None,
    at_most: Annotated[str | None, typer.Option(help="No other elements than these.")] = None,
    without: Annotated[str | None, typer.Option(help="None of these elements.")] = None,
    target: options.Target = None,
    guidance: options.Guidance = None,
    towards: options.Towards = None,
    pull: options.PullBy = None,
    pull_on: options.PullOn = "clean",
    predictor: options.Predictors = None,
    beyond: options.Beyond = False,
    model: Model = None,
    adapter: options.Adapter = None,
    sampler: options.Sampler = None,
    steps: options.Steps = None,
    nfe: options.Nfe = None,
    set_: options.Settings = None,
    seed: options.Seed = 0,
    out: options.Out = Path("generated"),
    format_: options.Format = "cif",
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
    """Generate crystals. Run the same command again to resume."""
    kinds, part = formats(format_), shard_of(shard)
    finish = Finish.of(cell, symprec, relax, relax_steps, kinds)
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    from nucleate.cli.steering import pulling_of, steering_of
    from nucleate.data.structure_files import read_structure
    from nucleate.predictor import load

    if model is None:
        model = STEERED if adapter or towards or complete or space_group else FREE
    loaded = load(model, device, precision, adapters=adapter or [])
    pulling = pulling_of(towards, pull, pull_on, predictor)
    steering = steering_of(target, guidance, beyond, elements, at_most, without, pulling)
    settings = options.sampler_of(loaded, sampler, steps, nfe, set_)
    species = None if species_fixed is None else readable(species_fixed, loaded.limits)
    requests = loaded.inventions(
        n, seed, atoms=atom_range(atoms), species=species, steering=steering,
        complete=None if complete is None else read_structure(complete),
        lattice=None if lattice_fixed is None else read_structure(lattice_fixed).lattice.matrix,
        space_group=space_group,
    )  # fmt: skip
    with resumable(out):
        Drawing(loaded, requests, settings, seed, trajectory, edges, "generated").run(out, part)
        if kinds != ["extxyz"] or relax is not None:
            present(out, [kind for kind in kinds if kind != "extxyz"], finish)
            tell_front(out, {**steering.target, **pulling.towards})
    say(f"written to {out}; judge them with: nucleate evaluate dng {out} --reference DATA")


def atom_range(text: str | None) -> tuple[int, int] | None:
    """`8` or `4-12` as the smallest and the largest number."""
    if text is None:
        return None
    low, dash, high = text.partition("-")
    high = high if dash else low
    if not (low.isdecimal() and high.isdecimal() and 0 < int(low) <= int(high)):
        raise FormulaError(
            f"--atoms must be a number or a range of numbers; got {text}", "write for example 8 or 4-12"
        )
    return int(low), int(high)


def present(out: Path, kinds: list[str], finish: Finish) -> None:
    """Files and a table of everything in the folder; the first rows are the command's output."""
    from nucleate.cell import Cell
    from nucleate.discovery.candidates import Candidate
    from nucleate.discovery.inventory import inventory, write_inventory
    from nucleate.metrics.usable import RULE

    entries = write_inventory(out, kinds, finish.form)
    usable = [entry for entry in entries if entry.usable]
    print_table(
        ("name", "formula", "atoms", "space group", "Å³/atom"),
        [
            (entry.name, entry.formula, str(entry.atoms), entry.space_group, f"{entry.volume:.2f}")
            for entry in usable[:SHOWN]
        ],
    )
    more = f"; the table shows {SHOWN}, generated.csv holds all" if len(usable) > SHOWN else ""
    say(f"{len(usable)} of {len(entries)} crystals are usable ({RULE}){more}")
    if finish.relaxing:
        drawn = [(entry, one) for entry, one in inventory(out) if entry.usable and one is not None]
        finish.present(
            [Candidate(entry.name, Cell.of(one), origin=entry.origin) for entry, one in drawn], out
        )


def tell_front(out: Path, wanted: Mapping[str, Any]) -> None:
    """Where several properties are asked for that predictors of the package judge: their predictions in
    OUT/properties.csv, with a mark for crystals on the Pareto front."""
    from nucleate.cli.several import annotated, by_property, front_text
    from nucleate.discovery.candidates import read_candidates
    from nucleate.predictor.pulling import shipped_judges
    from nucleate.properties.several import write_together

    judges = shipped_judges() if len(wanted) > 1 else {}
    aims = {name: value for name, value in wanted.items() if name in judges}
    if len(aims) < 2:
        return
    found = read_candidates([out])
    rows = annotated(by_property([judges[name] for name in aims]), found, aims)
    write_together(rows, found, {}, out / "properties.csv")
    say(f"{front_text(rows, aims)}, by {', '.join(judges[name] for name in aims)}; properties.csv marks them")
