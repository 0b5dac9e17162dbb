"""Crystals with energies of a potential that can stand in a phase diagram: of a funnel, relaxed ones, answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nucleate.cell import Cell
from nucleate.errors import DataError
from nucleate.funnel.energies import AboveHull
from nucleate.funnel.plan import parse_plan
from nucleate.records.ledger import Ledger
from nucleate.records.tallies import labels, standing_at
from nucleate.records.verdicts import PASSED, REJECTED
from nucleate.web import library
from nucleate.web.distributions import numbers
from nucleate.web.known_phases import HullOf
from nucleate.web.library import Entry
from nucleate.web.listing import Listing

MOST = 5000
"""Candidates of a funnel that are placed."""
COLUMNS = {library.RELAXED: "energy", library.PREDICTIONS: "energy_per_atom"}
"""Columns with energies of a potential, eV/atom."""
VALUES = ("energy_per_atom", "e_above_hull")
KINDS = (*COLUMNS, library.LEDGER)


@dataclass(frozen=True)
class Placeable:
    """One candidate.

    Attributes:
        name: by which a ledger knows it, or of its row.
        cell: the crystal.
        energy: of the potential, eV/atom.
        row: of the listing; None where it stands in none.
        passed: whether the stage that placed it let it through.
        above: eV/atom above the hull that its ledger was judged by; None where it has none.
    """

    name: str
    cell: Cell
    energy: float
    row: int | None = None
    passed: bool = True
    above: float | None = None


def candidates_of(entry: Entry, listing: Listing) -> tuple[HullOf, list[Placeable]]:
    """The hull that fits the energies of an entry, and its crystals that have one.

    Raises DataError where there are none.
    """
    hull, found = (
        _of_ledger(entry.path, listing) if entry.kind == library.LEDGER else _of_rows(entry, listing)
    )
    if not found:
        raise DataError(
            f"the crystals of {entry.name} have no energies to place them by",
            "relax them: nucleate relax FOLDER writes energies",
        )
    return hull, found


def _of_rows(entry: Entry, listing: Listing) -> tuple[HullOf, list[Placeable]]:
    column = COLUMNS.get(entry.kind, "")
    if column not in {one.name for one in listing.columns if one.kind == "number"}:
        return HullOf(), []
    energies, names = numbers(listing, column), listing.values("name")
    cells = [(row, listing.cell(row)) for row in np.flatnonzero(np.isfinite(energies)).tolist()]
    return HullOf(_potential(entry.path)), [
        Placeable(names[row].as_py(), cell, float(energies[row]), row)
        for row, cell in cells
        if cell is not None
    ]


def _potential(folder: Path) -> str:
    """The name of the potential of a folder; chgnet where its files say none."""
    for name in ("relax.json", "job.json"):
        try:
            said = json.loads((folder / name).read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(said, dict):
            sampler = said.get("sampler")
            found = said.get("potential") or (sampler.get("potential") if isinstance(sampler, dict) else None)
            if isinstance(found, str) and found not in ("", "auto", "none"):
                return found.split(" ")[0]
    return "chgnet"


def _of_ledger(folder: Path, listing: Listing) -> tuple[HullOf, list[Placeable]]:
    """Those that the last stage of the kind `hull` judged."""
    with Ledger.existing(folder) as ledger:
        stages = [place for place, label in enumerate(labels(ledger)) if label.split(" ")[0] == "hull"]
        steps = [step.stage for step in parse_plan(ledger.fact("plan") or "").steps] if stages else []
        judges = [stage for stage in steps if isinstance(stage, AboveHull)]
        if not judges:
            return HullOf(), []
        last = judges[-1]
        rows = {name: row for row, name in enumerate(listing.values("name").to_pylist())}
        found = []
        for outcome in (PASSED, REJECTED):
            chosen = standing_at(ledger, stages[-1], outcome)[:MOST]
            for one in ledger.candidates(chosen, stages[-1] + 1):
                energy, above = (one.values.get(f"{last.potential}.{name}") for name in VALUES)
                if isinstance(energy, float):
                    height = above if isinstance(above, float) else None
                    found.append(
                        Placeable(one.id, one.cell, energy, rows.get(one.id), outcome == PASSED, height)
                    )
    return HullOf(last.potential, last.reference, last.hull, last.near), found


def in_system(found: Sequence[Placeable], elements: Sequence[int]) -> list[Placeable]:
    """Those of these elements or some of them."""
    wanted = set(elements)
    return [one for one in found if wanted.issuperset(one.cell.species.tolist())]
