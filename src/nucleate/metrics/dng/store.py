"""A file that keeps one array for each structure and recipe, written as the work goes on (SQLite).

A run that was killed goes on where it stopped. A structure that timed out is tried again only with more time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import numpy as np

from nucleate.errors import DataError
from nucleate.files import writing

Entry = tuple[np.ndarray | None, str]
SECONDS_BETWEEN_COMMITS = 5.0

TABLE = """CREATE TABLE IF NOT EXISTS entries (
    recipe TEXT, name TEXT, array BLOB, failure TEXT, seconds REAL, PRIMARY KEY (recipe, name)
) WITHOUT ROWID"""


class Store:
    """Entries of one recipe; open it with `Store.open`. Keeps nothing without a file."""

    def __init__(
        self, connection: sqlite3.Connection | None, recipe: str, path: Path = Path("memory")
    ) -> None:
        self.connection, self.recipe, self.path = connection, recipe, path
        self.committed = monotonic()

    @classmethod
    @contextmanager
    def open(cls, path: Path | None, recipe: str) -> Iterator[Store]:
        """Raises DataError where `path` is no such file."""
        if path is None:
            yield cls(None, recipe)
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # two runs may share a file: one waits for the other's commit
            connection = sqlite3.connect(path, timeout=60.0)
            connection.execute(TABLE)
        except (sqlite3.Error, OSError) as error:
            raise DataError(
                f"{path} can't hold fingerprints ({error})", "name another file, or delete it"
            ) from None
        try:
            yield cls(connection, recipe, path)
        finally:
            try:
                with writing(path):
                    connection.commit()
            finally:
                connection.close()

    def read(self, names: set[str], seconds: float) -> dict[str, Entry]:
        """Entries by name. One that timed out within fewer than `seconds` is left out."""
        if self.connection is None:
            return {}
        found = self.connection.execute(
            "SELECT name, array, failure, seconds FROM entries WHERE recipe = ?", (self.recipe,)
        )
        return {
            name: (None if array is None else np.frombuffer(array), failure)
            for name, array, failure, spent in found
            if name in names and not (failure == "timed_out" and spent < seconds)
        }

    def write(self, name: str, array: np.ndarray | None, failure: str, seconds: float) -> None:
        """Keep one entry: an array of float64, or why there is none after at most `seconds`."""
        if self.connection is None:
            return
        content = None if array is None else np.asarray(array, dtype=np.float64).tobytes()
        with writing(self.path):
            self.connection.execute(
                "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?)",
                (self.recipe, name, content, failure, seconds),
            )
            if monotonic() - self.committed > SECONDS_BETWEEN_COMMITS:
                self.connection.commit()
                self.committed = monotonic()
