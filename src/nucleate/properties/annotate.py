"""Crystals of any files with a predicted property beside each, as rows and as files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nucleate.data.extxyz import frame_text
from nucleate.discovery.candidates import Candidate, formula_of
from nucleate.errors import NucleateError
from nucleate.files import write_whole, writing
from nucleate.properties.model import PropertyModel
from nucleate.properties.predict import bounded, fits, predict, table_of
from nucleate.records.tables import write_rows

ENDINGS = (".csv", ".parquet", ".extxyz", ".json")


@dataclass(frozen=True)
class Annotated:
    """A crystal with its prediction.

    Attributes:
        name: of the crystal.
        formula: of its cell; "" where it can't be read.
        value: the prediction; None where there is none.
        low, high: ends of its interval.
        spread: standard deviation between the members.
        ridge: the composition-only baseline's prediction.
        distance: from the training crystals; above 1 for the last half per cent of them.
        warning: why the prediction is an extrapolation, or is missing.
    """

    name: str
    formula: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    spread: float | None = None
    ridge: float | None = None
    distance: float | None = None
    warning: str = ""

    def row(self, target: str) -> dict[str, Any]:
        """As a row of a table, the numbers by the name of the property."""
        named = {"value": target, **{name: f"{target}_{name}" for name in ("low", "high", "spread", "ridge")}}
        return {named.get(name, name): value for name, value in asdict(self).items()}


def annotate(model: PropertyModel, candidates: Sequence[Candidate]) -> list[Annotated]:
    """A prediction for each crystal, in their order, no farther than the labels go; those without one say why."""
    problems = [one.problem or "can't be read" if one.cell is None else fits(one.cell) for one in candidates]
    usable = [(row, one.cell) for row, one in enumerate(candidates) if one.cell and not problems[row]]
    out = [
        Annotated(one.name, formula_of(one.cell) if one.cell else "", warning=problem)
        for one, problem in zip(candidates, problems, strict=True)
    ]
    if not usable:
        return out
    table = table_of([cell for _, cell in usable], [candidates[row].name for row, _ in usable])
    found = bounded(predict(model, table), model.ends)
    for place, (row, _) in enumerate(usable):
        numbers = {
            name: float(getattr(found, name)[place])
            for name in ("value", "low", "high", "spread", "ridge", "distance")
        }
        out[row] = Annotated(out[row].name, out[row].formula, **numbers, warning=found.warnings[place])
    return out


def check_file(path: Path) -> None:
    """Raise NucleateError for a name whose ending is no known format."""
    if path.suffix.lower() not in ENDINGS:
        raise NucleateError(
            f"no annotated crystals can be written as {path}", f"end its name with {', '.join(ENDINGS)}"
        )


def write_annotated(
    found: Sequence[Annotated], candidates: Sequence[Candidate], target: str, model: str, path: Path
) -> None:
    """Write annotated crystals by the file's ending; extxyz holds those that have a prediction.

    Raises NucleateError where that fails.
    """
    check_file(path)
    rows = [one.row(target) for one in found]
    if path.suffix.lower() == ".json":
        write_whole(path, json.dumps({"target": target, "model": model, "crystals": rows}, indent=1) + "\n")
    elif path.suffix.lower() == ".extxyz":
        write_whole(path, "".join(_frames(rows, found, candidates, model)))
    else:
        with writing(path):
            write_rows(rows, path, tuple(Annotated("", "").row(target)))


def _frames(
    rows: Sequence[dict[str, Any]], found: Sequence[Annotated], candidates: Sequence[Candidate], model: str
) -> list[str]:
    return [
        frame_text(
            one.cell.species, one.cell.frac, one.cell.lattice,
            {**{key: value or None if key == "warning" else value for key, value in row.items()}, "predictor": model},
        )
        for row, said, one in zip(rows, found, candidates, strict=True)
        if one.cell is not None and said.value is not None
    ]  # fmt: skip
