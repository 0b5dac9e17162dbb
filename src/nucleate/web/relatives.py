"""The crystals that another one is looked at beside: as it was before its relaxation, and the nearest known one."""

from __future__ import annotations

from typing import Any

import numpy as np

from nucleate.defects import defect
from nucleate.errors import DataError, NucleateError
from nucleate.files import parse_json
from nucleate.metrics.dng.quantities import digest
from nucleate.metrics.dng.report import DngReport
from nucleate.records.ledger import Ledger
from nucleate.report.files import load
from nucleate.report.html.gallery import DRAWN
from nucleate.web.library import DATASET, GENERATED, LEDGER, PREDICTIONS, RELAXED, REPORT, Entry, Library
from nucleate.web.listings import Listings
from nucleate.web.nearest import Relative, nearest

BEFORE, KNOWN = "before", "known"
RELATIONS = {BEFORE: "before relaxation", KNOWN: "nearest known"}
RELAXABLE = (GENERATED, PREDICTIONS, DATASET)
NOTHING = {
    BEFORE: ("the crystal before its relaxation is not shown", "show the folder that it came from too"),
    KNOWN: ("no crystal of these elements is known here", "show a data set that has one"),
}


def relative(library: Library, listings: Listings, entry: Entry, row: int, what: str) -> Relative:
    """The relative of a row. Raises DataError where there is none, IndexError for a row that there is not."""
    listing = listings.of(entry)
    if not 0 <= row < len(listing):
        raise IndexError(row)
    cell, name = listing.cell(row), str(listing.values("name")[row].as_py())
    if cell is None or defect(cell, DRAWN):
        raise DataError(f"{name} has no sound cell", "choose another crystal")
    made_from = listing.facts(row).get("source", "")
    found = (
        before(library, listings, entry, row, name)
        if what == BEFORE
        else nearest(library, listings, cell, made_from)
    )
    if found is None:
        raise DataError(*NOTHING[what])
    return found


def before(library: Library, listings: Listings, entry: Entry, row: int, name: str) -> Relative | None:
    """A crystal as it was before it was relaxed."""
    if entry.kind == REPORT:
        report = load(entry.path)
        drawn = report.samples.cells[row] if isinstance(report, DngReport) else None
        return None if drawn is None else Relative(name, drawn, f"{entry.name}, as drawn")
    if entry.kind == LEDGER:
        with Ledger.existing(entry.path) as ledger:
            first = ledger.candidates([ledger.number_of(name)], 1)
        return Relative(name, first[0].cell, f"{entry.name}, as generated") if first else None
    return _source(library, listings, entry, name) if entry.kind == RELAXED else None


def _source(library: Library, listings: Listings, entry: Entry, name: str) -> Relative | None:
    """Of a relaxed crystal: the one of its name in another folder that is what was relaxed."""
    wanted = _hash_of(entry, name)
    for other in _others(library, entry):
        try:
            listing = listings.of(other)
        except NucleateError:
            continue
        for row in np.flatnonzero(
            np.array(listing.values("name").to_pylist(), dtype=object) == name
        ).tolist():
            cell = listing.cell(row)
            if cell is not None and digest(cell) == wanted:
                return Relative(name, cell, other.name)
    return None


def _hash_of(entry: Entry, name: str) -> str:
    try:
        said: Any = parse_json((entry.path / "relax.json").read_bytes())
        return str(said["crystals"][name])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _others(library: Library, entry: Entry) -> list[Entry]:
    """What may have been relaxed, nearest folders first."""

    def far(other: Entry) -> int:
        ours, theirs = entry.path.parts, other.path.parts
        shared = next(
            (n for n, pair in enumerate(zip(ours, theirs, strict=False)) if pair[0] != pair[1]), len(theirs)
        )
        return len(ours) + len(theirs) - 2 * shared

    return sorted((one for one in library.entries() if one.kind in RELAXABLE), key=far)
