"""Results of calculations back into the ledger: matched to candidates, kept once, compared with what was predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nucleate.calculations.matching import Match, match
from nucleate.calculations.results import Result, read_results
from nucleate.cell import Cell
from nucleate.errors import DataError
from nucleate.records.computed import put_computed
from nucleate.records.ledger import Ledger
from nucleate.records.tallies import found_of, labels, standing_at

MOST = 100_000
"""Candidates that results without a provenance are compared with, the first of those that came through."""


@dataclass(frozen=True)
class Ingested:
    """What came of a folder of results.

    Attributes:
        matches: every result, with its candidate if there is one.
        rows: the numbers that were kept, one for each result with a candidate, beside `candidate`.
        new: how many of them the ledger did not have.
        problems: a sentence about each file that can't be read.
    """

    matches: Sequence[Match]
    rows: Sequence[Mapping[str, Any]]
    new: int
    problems: Sequence[str]


def ingest(folder: Path, results: Path) -> Ingested:
    """Read results, find their candidates in the ledger of a folder, and keep the numbers there.

    Raises DataError where there is no ledger, and no results.
    """
    with Ledger.existing(folder) as ledger:
        found, problems = read_results(results)
        cells = _candidates(ledger, found)
        matches = match(found, cells)
        belonging = [one for one in matches if one.candidate]
        rows = [_row(one, cells[one.candidate]) for one in belonging]
        numbers = [ledger.number_of(one.candidate) for one in belonging]
        new = put_computed(ledger, list(zip(numbers, rows, strict=True)))
    return Ingested(matches, rows, new, problems)


def _candidates(ledger: Ledger, found: Sequence[Result]) -> dict[str, Cell]:
    """Crystals by id: those that came through, and those that a provenance names."""
    numbers = dict.fromkeys(standing_at(ledger, len(labels(ledger)) - 1)[:MOST])
    for name in {one.candidate for one in found if one.candidate}:
        try:
            numbers[ledger.number_of(name)] = None
        except DataError:
            continue
    return {one.id: one.cell for one in found_of(ledger, list(numbers))}


def _row(one: Match, cell: Cell) -> dict[str, Any]:
    result = one.result
    atoms = len(result.cell.species)
    return {
        "candidate": one.candidate,
        "code": result.code,
        "energy_per_atom": result.energy_per_atom,
        "corrected_per_atom": None if result.corrected is None else result.corrected / atoms,
        "volume_change": (result.cell.volume / atoms) / (cell.volume / len(cell.species)) - 1,
        "fmax": result.fmax,
        "converged": result.converged,
        "by": one.by,
        "note": one.note,
        "where": result.where,
    }
