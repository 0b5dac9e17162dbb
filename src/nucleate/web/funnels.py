"""Ledgers of `nucleate discover` for the page: how many come through each stage, and why the others don't."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.records.ledger import Ledger
from nucleate.records.tallies import found_of, history, labels, standing_at, tallies
from nucleate.web.details import alone
from nucleate.web.listing import Listing
from nucleate.web.readers import of_cells

MOST = 20_000
"""Candidates of the shortlist that are shown."""


def funnel_of(folder: Path) -> dict[str, Any]:
    """Every stage with its counts and reasons. Raises DataError where the ledger can't be read."""
    with Ledger.existing(folder) as ledger:
        return {
            "stages": [
                {
                    "label": one.label,
                    "came": one.came,
                    "passed": one.passed,
                    "rejected": one.rejected,
                    "failed": one.failed,
                    "waiting": one.waiting,
                    "seconds": one.seconds,
                    "reasons": [
                        {"outcome": outcome, "reason": reason, "count": count, "example": example}
                        for outcome, reason, count, example in one.reasons
                    ],
                }
                for one in tallies(ledger)
            ]
        }


def way_of(folder: Path, name: str) -> dict[str, Any]:
    """One candidate as it was last and the verdicts on it, in order. Raises DataError for a name that nothing has."""
    with Ledger.existing(folder) as ledger:
        number = ledger.number_of(name)
        found = found_of(ledger, [number])
        events = [
            {
                "label": one.label,
                "outcome": one.outcome,
                "reason": one.reason,
                "detail": one.detail,
                "values": one.values,
                "seconds": one.seconds,
            }
            for one in history(ledger, number)
        ]
    return {"name": name, "events": events, "details": alone(name, found[0].cell if found else None)}


def of_ledger(path: Path) -> Listing:
    """Candidates that came through all stages, with what the stages found, the first MOST."""
    with Ledger.existing(path) as ledger:
        last = len(labels(ledger)) - 1
        found = found_of(ledger, standing_at(ledger, last)[:MOST])
    names = list(dict.fromkeys(name for one in found for name in one.values))
    more = {name: _column([one.values.get(name) for one in found]) for name in names}
    cells: list[Cell | None] = [one.cell for one in found]
    return of_cells([one.id for one in found], cells, more)


def _column(values: list[Any]) -> Any:
    if all(value is None or isinstance(value, bool) for value in values):
        return values
    if all(value is None or isinstance(value, int | float) for value in values):
        return np.array([np.nan if value is None else float(value) for value in values])
    return [None if value is None else str(value) for value in values]
