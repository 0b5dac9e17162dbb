"""nucleate property with several predictors or aims: one row for each crystal, those on the Pareto front marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from nucleate.cli.console import print_table, say
from nucleate.errors import ModelError

if TYPE_CHECKING:
    from nucleate.discovery.candidates import Candidate
    from nucleate.predictor.property import LoadedProperty
    from nucleate.properties.several import Rows

SHOWN = 20


def show_several(
    models: Sequence[str],
    aims: list[str] | None,
    candidates: Sequence[Candidate],
    out: Path | None,
    json: bool,
) -> None:
    """Annotate, show and write. Raises ModelError and FormulaError for what can't be asked."""
    from nucleate.properties.front import aims_of
    from nucleate.properties.several import check_aims, write_together
    from nucleate.sampling.targets import pairs

    wanted = pairs(aims, "--aim")
    read, loaded = aims_of(wanted), by_property(models)
    check_aims(read, list(loaded))
    rows = annotated(loaded, candidates, wanted)
    about = {"models": {name: one.name for name, one in loaded.items()}, "aims": wanted}
    if json:
        typer.echo(dumps({**about, "crystals": rows}, indent=1))
    else:
        print_rows(rows, list(loaded))
    if out is not None:
        write_together(rows, candidates, about, out)
        say(f"written to {out}")
    if wanted:
        say(front_text(rows, wanted))
    if all(row[name] is None for row in rows for name in loaded):
        raise typer.Exit(1)


def by_property(models: Sequence[str]) -> dict[str, LoadedProperty]:
    """Predictors by what they predict. Raises ModelError where two predict the same."""
    from nucleate.predictor.property import load_property

    found: dict[str, LoadedProperty] = {}
    for name in models:
        one = load_property(name)
        if one.target in found:
            raise ModelError(f"two predictors of {one.target} are named", "name one of them")
        found[one.target] = one
    return found


def annotated(
    loaded: Mapping[str, LoadedProperty], candidates: Sequence[Candidate], wanted: Mapping[str, Any]
) -> Rows:
    """Rows with all predictions, and a mark where something is wanted."""
    from nucleate.properties.annotate import annotate
    from nucleate.properties.front import aims_of
    from nucleate.properties.several import together

    found = {name: annotate(one.model, candidates) for name, one in loaded.items()}
    return together(found, aims_of(wanted))


def front_text(rows: Rows, wanted: Mapping[str, Any]) -> str:
    """How many crystals are on the front."""
    from nucleate.properties.several import ON_FRONT

    of = " and ".join(f"{name}={value}" for name, value in wanted.items())
    return f"{sum(row[ON_FRONT] for row in rows)} of {len(rows)} crystals are on the Pareto front of {of}"


def print_rows(rows: Rows, names: Sequence[str]) -> None:
    """The first rows, those on the front first and those without predictions last."""
    from nucleate.properties.several import ON_FRONT

    marked = any(ON_FRONT in row for row in rows)
    ordered = sorted(
        rows, key=lambda row: (not row.get(ON_FRONT, False), any(row[name] is None for name in names))
    )
    print_table(
        ("name", "formula", *(f"{name} (interval)" for name in names), *(("front",) if marked else ())),
        [
            (row["name"], row["formula"], *(_text(row, name) for name in names),
             *(("*" if row[ON_FRONT] else "",) if marked else ()))
            for row in ordered[:SHOWN]
        ],
    )  # fmt: skip
    if len(rows) > SHOWN:
        say(f"the table shows {SHOWN} of {len(rows)}; --out FILE or --json gives all")


def _text(row: Mapping[str, Any], name: str) -> str:
    if row[name] is None:
        return "-"
    return f"{row[name]:.3f} ({row[f'{name}_low']:.3f} to {row[f'{name}_high']:.3f})"
