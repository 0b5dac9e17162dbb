"""Tables of stores from before namespaces: read, never written.

`results` holds JSON under keys that name the kind of the result. `entries` holds an array of float64, or why there is
none, for a recipe and a name; the recipe is the namespace of today.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import numpy as np

from nucleate.files import parse_json


class OldStores:
    """Results in the old tables of a database, if it has any."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        self.tables = tables & {"results", "entries"}

    def get(self, namespace: str, keys: Sequence[str]) -> dict[str, Any]:
        """Values known for some keys, few enough for one query."""
        marks = ",".join("?" * len(keys))
        found: dict[str, Any] = {}
        if "results" in self.tables:
            rows = self.database.execute(f"SELECT key, value FROM results WHERE key IN ({marks})", keys)
            found |= {key: parse_json(value) for key, value in rows}
        if "entries" in self.tables:
            question = (
                f"SELECT name, array, failure, seconds FROM entries WHERE recipe = ? AND name IN ({marks})"
            )
            for name, array, failure, seconds in self.database.execute(question, (namespace, *keys)):
                values = None if array is None else np.frombuffer(array, dtype=np.float64).tolist()
                found[name] = {"values": values, "failure": failure, "seconds": seconds}
        return found

    def count(self, namespace: str) -> int:
        """Number of results that today's table lacks."""
        total = 0
        for table, key, condition in (("results", "key", "?1 = ?1"), ("entries", "name", "recipe = ?1")):
            if table in self.tables:
                question = (
                    f"SELECT count(*) FROM {table} WHERE {condition} AND NOT EXISTS "
                    f"(SELECT 1 FROM kept WHERE kept.namespace = ?1 AND kept.key = {table}.{key})"
                )
                total += self.database.execute(question, (namespace,)).fetchone()[0]
        return total
