"""nucleate substitute: new crystals from known ones by partial substitution."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucleate.cli import options
from nucleate.cli.console import resumable, say
from nucleate.cli.finish import Finish
from nucleate.cli.generate import atom_range, present
from nucleate.cli.job import Drawing, formats, shard_of


def substitute(
    index: Annotated[
        Path | None, typer.Argument(help="File of 'nucleate prototypes index'; the shipped one by default.")
    ] = None,
    n: Annotated[int, typer.Option("-n", min=1, help="How many crystals to make.")] = 100,
    atoms: Annotated[str | None, typer.Option(help="Atoms in the cell: 8 or 4-12; as known by default.")] = None,
    charges: Annotated[
        bool, typer.Option("--charges", help="Replace ions by ions of the same charge, in neutral crystals.")
    ] = False,
    partial: Annotated[
        str, typer.Option(help="What may be replaced besides all atoms of an element: atoms, orbits or none.")
    ] = "atoms",
    sources: Annotated[str, typer.Option(help="Known crystals of these sources alone, such as mp_20.")] = "",
    any_formula: Annotated[
        bool, typer.Option("--any-formula", help="Formulas that the index has may come out too.")
    ] = False,
    set_: options.Settings = None,
    seed: options.Seed = 0,
    out: options.Out = Path("substituted"),
    format_: options.Format = "cif",
    relax: options.Relax = None,
    relax_steps: options.RelaxSteps = None,
    cell: options.CellForm = "as-is",
    symprec: options.Symprec = 0.1,
    shard: options.Shard = "0/1",
) -> None:  # fmt: skip
    """Make new crystals: known ones with other elements on some sites. Run the same command again to resume."""
    kinds, part = formats(format_), shard_of(shard)
    finish = Finish.of(cell, symprec, relax, relax_steps, kinds)
    from nucleate.predictor import Predictor
    from nucleate.prototypes.exchange import ExchangeSettings
    from nucleate.prototypes.exchange_generator import ExchangeGenerator
    from nucleate.prototypes.files import read_index
    from nucleate.prototypes.shipped import INDEX
    from nucleate.settings import override

    named = tuple(one.strip() for one in sources.split(",") if one.strip())
    known = read_index(INDEX if index is None else index)
    if named:
        known = known.of_sources(named)
    given = [f"charges={str(charges).lower()}", f"partial={partial}", f"new={str(not any_formula).lower()}"]
    settings = override(ExchangeSettings(), given + (set_ or []))
    generator = ExchangeGenerator(known, without_repeats=True)
    predictor = Predictor(generator)
    requests = predictor.inventions(n, seed, atoms=atom_range(atoms))
    with resumable(out):
        generator.remember(out)
        Drawing(predictor, requests, settings, seed, False, None, "generated").run(out, part)
        if kinds != ["extxyz"] or relax is not None:
            present(out, [kind for kind in kinds if kind != "extxyz"], finish)
    say(f"written to {out}; judge them with: nucleate evaluate dng {out} --reference DATA")
