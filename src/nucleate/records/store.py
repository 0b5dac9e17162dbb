"""Expensive results in one SQLite file: they survive a killed run, and several processes may write.

A namespace holds the results of one kind, under keys that name all that a result depends on. Values are JSON; floats
come back exactly. Files from before namespaces are read as well (nucleate.records.old_stores).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from nucleate.errors import DataError
from nucleate.files import parse_json, writing
from nucleate.records.old_stores import OldStores

WAIT = 60.0
"""Seconds to wait for another process that is writing."""
LOOKUP = 500
"""Keys in one query."""
TABLE = """CREATE TABLE IF NOT EXISTS kept (
    namespace TEXT, key TEXT, value TEXT, PRIMARY KEY (namespace, key)
)"""


class Store:
    """The results of one namespace, in a file, or in memory without a path.

    Raises DataError where the file can't be opened as a store.
    """

    def __init__(self, path: Path | None, namespace: str) -> None:
        self.path, self.namespace = path, namespace
        try:
            if path:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path or ":memory:", timeout=WAIT, isolation_level=None)
            # a killed process loses at most what it had not yet written
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.execute(TABLE)
            self._old = OldStores(self._database)
        except (sqlite3.Error, OSError) as error:
            raise DataError(
                f"{path} can't be used as a cache ({error})", "name another file, or delete it"
            ) from None

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()

    def get(self, keys: Iterable[str]) -> dict[str, Any]:
        """Values known for these keys."""
        wanted, found = list(dict.fromkeys(keys)), {}
        for start in range(0, len(wanted), LOOKUP):
            part = wanted[start : start + LOOKUP]
            found |= self._old.get(self.namespace, part) | self._kept(part)
        return found

    def _kept(self, keys: Sequence[str]) -> dict[str, Any]:
        marks = ",".join("?" * len(keys))
        question = f"SELECT key, value FROM kept WHERE namespace = ? AND key IN ({marks})"
        rows = self._database.execute(question, (self.namespace, *keys))
        return {key: parse_json(value) for key, value in rows}

    def put(self, key: str, value: Any) -> None:
        """Store a JSON value, written to disk at once.

        Raises NucleateError where the file can't be written.
        """
        row = (self.namespace, key, json.dumps(value))
        with writing(self.path or Path(":memory:")):
            self._database.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", row)

    def __len__(self) -> int:
        """Number of results in the namespace."""
        rows = self._database.execute("SELECT count(*) FROM kept WHERE namespace = ?", (self.namespace,))
        return rows.fetchone()[0] + self._old.count(self.namespace)
