"""Results that took long, in one SQLite file: they outlive a killed run, and several processes may write.

Keys are hashes of all that a result depends on; a result that depends on the clock is not stored.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.errors import DataError
from nucleate.files import parse_json, writing

WAIT = 60.0
"""Seconds to wait for another process that is writing."""
LOOKUP = 500


def key_of(kind: str, cell: Cell, *settings: str) -> str:
    """A hash of a crystal, atom by atom as it is given, and of everything else that the result depends on."""
    digest = hashlib.sha256("\0".join((kind, *settings)).encode())
    for values, kind_of_number in ((cell.species, "<i8"), (cell.frac, "<f8"), (cell.lattice, "<f8")):
        digest.update(np.ascontiguousarray(values, dtype=kind_of_number).tobytes())
    return digest.hexdigest()


class ResultCache:
    """Results by key: JSON values in a SQLite file, or in memory where there is no path.

    Raises DataError where the file can't be opened as a cache.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        try:
            if path:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path or ":memory:", timeout=WAIT, isolation_level=None)
            # a killed process loses at most what it had not yet written
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.execute("CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, value TEXT)")
        except (sqlite3.Error, OSError) as error:
            raise DataError(f"{path} can't be used as a cache ({error})", "give another file") from None

    def get(self, keys: Iterable[str]) -> dict[str, Any]:
        """What is known of these keys."""
        wanted, found = list(keys), {}
        for start in range(0, len(wanted), LOOKUP):
            part = wanted[start : start + LOOKUP]
            marks = ",".join("?" * len(part))
            rows = self._database.execute(f"SELECT key, value FROM results WHERE key IN ({marks})", part)
            found |= {key: parse_json(value) for key, value in rows}
        return found

    def put(self, key: str, value: Any) -> None:
        with writing(self.path or Path(":memory:")):
            self._database.execute("INSERT OR REPLACE INTO results VALUES (?, ?)", (key, json.dumps(value)))

    def __len__(self) -> int:
        return self._database.execute("SELECT count(*) FROM results").fetchone()[0]


@cache
def open_cache(path: Path) -> ResultCache:
    """The cache in a file, opened once in each process."""
    return ResultCache(path)
