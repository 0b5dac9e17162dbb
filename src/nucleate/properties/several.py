"""Several properties of the same crystals side by side, with a mark for those on the Pareto front of what is wanted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nucleate.data.extxyz import frame_text
from nucleate.discovery.candidates import Candidate
from nucleate.errors import FormulaError
from nucleate.files import write_whole, writing
from nucleate.properties.annotate import Annotated, check_file
from nucleate.properties.front import Aim, front, misses
from nucleate.records.tables import write_rows

ON_FRONT = "pareto_front"
"""The column that says whether a crystal is on the front."""
SHOWN = ("low", "high", "spread")

Rows = list[dict[str, Any]]


def check_aims(aims: Sequence[Aim], known: Sequence[str]) -> None:
    """Raise FormulaError for an aim of which no predictor is there."""
    if lacking := [one.name for one in aims if one.name not in known]:
        raise FormulaError(
            f"nothing predicts {', '.join(lacking)}",
            f"predicted are {', '.join(known)}; name more predictors",
        )


def together(found: Mapping[str, Sequence[Annotated]], aims: Sequence[Aim] = ()) -> Rows:
    """A row for each crystal, marked where there are aims. found: predictions by property, crystals in one order."""
    rows: Rows = []
    for each in zip(*found.values(), strict=True):
        row: dict[str, Any] = {"name": each[0].name, "formula": each[0].formula}
        for name, one in zip(found, each, strict=True):
            row[name] = one.value
            row |= {f"{name}_{part}": getattr(one, part) for part in SHOWN}
        row["warning"] = "; ".join(
            f"{name}: {one.warning}" for name, one in zip(found, each, strict=True) if one.warning
        )
        rows.append(row)
    if aims:
        marks = front(misses(aims, {one.name: [row[one.name] for row in rows] for one in aims}))
        for row, mark in zip(rows, marks.tolist(), strict=True):
            row[ON_FRONT] = mark
    return rows


def write_together(rows: Rows, candidates: Sequence[Candidate], about: Mapping[str, Any], path: Path) -> None:
    """Write rows by the file's ending, as `annotate.write_annotated`. about: what a .json says besides.

    Raises NucleateError where that fails.
    """
    check_file(path)
    if path.suffix.lower() == ".json":
        write_whole(path, json.dumps({**about, "crystals": rows}, indent=1) + "\n")
    elif path.suffix.lower() == ".extxyz":
        frames = [
            frame_text(one.cell.species, one.cell.frac, one.cell.lattice, dict(row, warning=row["warning"] or None))
            for row, one in zip(rows, candidates, strict=True)
            if one.cell is not None
        ]  # fmt: skip
        write_whole(path, "".join(frames))
    else:
        with writing(path):
            write_rows(rows, path, tuple(rows[0]) if rows else ("name", "formula"))
