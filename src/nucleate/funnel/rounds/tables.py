"""What the rounds came to, for people: a row for each round, and a row for each call of the oracle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nucleate.discovery.candidates import formula_of
from nucleate.records.ledger import Ledger
from nucleate.records.rounds import asked, rounds
from nucleate.records.tables import write_rows
from nucleate.records.tallies import found_of

ASKED, ROUNDS = "asked.csv", "rounds.csv"
COLUMNS = (
    "candidate", "round", "formula", "cheap", "expected", "reach", "oracle", "reason", "seconds",
)  # fmt: skip
OF_ROUNDS = (
    "round", "candidates", "new", "asked", "answered", "found", "best", "covered", "foretold", "factor", "hull",
    "tuned",
)  # fmt: skip


def round_rows(ledger: Ledger) -> list[dict[str, Any]]:
    """A row for each round, that under way too, by OF_ROUNDS; energies in eV/atom."""
    rows = []
    for one in rounds(ledger):
        row = {name: getattr(one, name, None) for name in OF_ROUNDS}
        rows.append({**row, "hull": len(one.hull), "tuned": " ".join(one.models)})
    calls = [one for one in asked(ledger) if one.round == len(rows) + 1]
    if calls:
        answered = sum(one.above is not None for one in calls)
        rows.append(
            dict.fromkeys(OF_ROUNDS) | {"round": len(rows) + 1, "asked": len(calls), "answered": answered}
        )
    return rows


def asked_rows(ledger: Ledger) -> list[dict[str, Any]]:
    """A row for each call, by COLUMNS; energies in eV/atom above the hull of the plan."""
    calls = asked(ledger)
    found = {ledger.number_of(one.id): one for one in found_of(ledger, [one.number for one in calls])}
    rows = []
    for one in calls:
        said = one.found or {}
        values = (
            ledger.id_of(one.number), one.round, formula_of(found[one.number].cell), one.expected["cheap"],
            one.expected["mean"], one.expected["reach"], said.get("above"), said.get("reason", ""),
            said.get("seconds"),
        )  # fmt: skip
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def write_tables(folder: Path) -> bool:
    """Write asked.csv and rounds.csv beside the ledger of a folder, where there are rounds; whether there are."""
    with Ledger.existing(folder) as ledger:
        of_rounds, calls = round_rows(ledger), asked_rows(ledger)
    if not of_rounds:
        return False
    write_rows(of_rounds, folder / ROUNDS, OF_ROUNDS)
    write_rows(calls, folder / ASKED, COLUMNS)
    return True
