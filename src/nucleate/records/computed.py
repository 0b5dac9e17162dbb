"""What calculations found of the candidates of a ledger: a table of it, written by `nucleate discover ingest`.

| column | what it holds |
|---|---|
| `key` | a hash of the result: read again, it changes nothing |
| `number` | of the candidate |
| `found` | the numbers, as JSON |
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from nucleate.records.ledger import Ledger

TABLE = "CREATE TABLE IF NOT EXISTS computed (key TEXT PRIMARY KEY, number INTEGER, found TEXT)"


def put_computed(ledger: Ledger, found: Sequence[tuple[int, Mapping[str, Any]]]) -> int:
    """Keep results of candidates, by number; how many of them are new."""
    ledger.base.execute(TABLE)
    rows = [(number, json.dumps(dict(one), sort_keys=True)) for number, one in found]
    with ledger.transaction():
        before = _count(ledger)
        for number, text in rows:
            key = hashlib.sha256(f"{number} {text}".encode()).hexdigest()
            ledger.base.execute("INSERT OR IGNORE INTO computed VALUES (?, ?, ?)", (key, number, text))
        return _count(ledger) - before


def computed(ledger: Ledger, number: int | None = None) -> list[tuple[int, dict[str, Any]]]:
    """Number and result of all results, or of those of one candidate, in the order of candidates."""
    ledger.base.execute(TABLE)
    which, values = ("", ()) if number is None else ("WHERE number = ? ", (number,))
    rows = ledger.base.execute(f"SELECT number, found FROM computed {which}ORDER BY number, key", values)
    return [(row, json.loads(text)) for row, text in rows]


def _count(ledger: Ledger) -> int:
    return ledger.base.execute("SELECT count(*) FROM computed").fetchone()[0]
