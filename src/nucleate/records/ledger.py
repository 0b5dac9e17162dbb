"""The ledger of a funnel: every candidate, verdict, reason, cost and place in one SQLite file.

| table | what it holds |
|---|---|
| `facts` | format, plan, keys of its stages |
| `sources` | what makes candidates: its name, and what its crystals hang on |
| `candidates` | number, and the cell as it was made |
| `verdicts` | what a stage with certain settings found of a candidate with a certain input; never out of date |
| `places` | which verdict stands at which position of the plan as it is now |
| `members` | which candidates are judged together |

One program writes, at one moment; others may read. Written in transactions of a batch: a killed program loses at most
those that were not finished. What can be found again without judging (places, members) is deleted where the plan
changes; verdicts stay.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from nucleate.cell import Cell
from nucleate.errors import DataError
from nucleate.files import writing
from nucleate.records.verdicts import Candidate, Value, pack, unpack

FORMAT = 1
NAME = "ledger.sqlite"
SPAN = 2**32
"""Numbers of one source: candidate i of source s has the number s SPAN + i."""
LOOKUP = 500
WAIT = 60.0
"""Seconds to wait for another program that writes."""
TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS sources (source INTEGER PRIMARY KEY, name TEXT UNIQUE, identity TEXT);
CREATE TABLE IF NOT EXISTS candidates (number INTEGER PRIMARY KEY, cell BLOB);
CREATE TABLE IF NOT EXISTS judges (judge INTEGER PRIMARY KEY, identity TEXT UNIQUE);
CREATE TABLE IF NOT EXISTS verdicts (
    verdict INTEGER PRIMARY KEY, judge INTEGER, number INTEGER, input BLOB, outcome INTEGER, reason TEXT,
    detail TEXT, found TEXT, cell BLOB, seconds REAL, trace TEXT, UNIQUE (judge, number, input));
CREATE TABLE IF NOT EXISTS places (
    stage INTEGER, number INTEGER, verdict INTEGER, outcome INTEGER, PRIMARY KEY (stage, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS members (
    stage INTEGER, party TEXT, number INTEGER, PRIMARY KEY (stage, party, number)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS parties ON members (stage, number);
"""


class Ledger:
    """The ledger in a folder.

    Raises DataError where the file is none, or of a later version.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        try:
            self.base = sqlite3.connect(self.path, timeout=WAIT, isolation_level=None)
            self.base.execute("PRAGMA journal_mode = WAL")
            # a killed program loses nothing that it wrote
            self.base.execute("PRAGMA synchronous = NORMAL")
            self.base.executescript(TABLES)
        except (sqlite3.Error, OSError) as error:
            raise DataError(
                f"{self.path} can't be used as a ledger ({error})", "name another --out"
            ) from None
        if int(self.fact("format") or FORMAT) > FORMAT:
            raise DataError(f"{self.path} was written by a later version", "update nucleate")
        self._names: dict[int, str] = {}

    @classmethod
    def existing(cls, folder: Path) -> Ledger:
        """The ledger that was begun in a folder. Raises DataError where there is none."""
        if not (folder / NAME).is_file():
            raise DataError(
                f"no ledger of a funnel in {folder}", "make one with: nucleate discover PLAN --out FOLDER"
            )
        return cls(folder)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.base.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written in the block, or nothing of it."""
        with writing(self.path):
            self.base.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self.base.execute("ROLLBACK")
                raise
            self.base.execute("COMMIT")

    def fact(self, name: str) -> str | None:
        """What was noted under a name."""
        row = self.base.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def note(self, name: str, value: str) -> None:
        """Note something under a name."""
        with writing(self.path):
            self.base.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def sources(self) -> dict[str, tuple[int, str]]:
        """Number and identity of every source by its name, in the order in which they were added."""
        rows = self.base.execute("SELECT name, source, identity FROM sources ORDER BY source")
        return {name: (source, identity) for name, source, identity in rows}

    def add_source(self, name: str, identity: str) -> int:
        """The number of a new source."""
        with writing(self.path):
            question = "INSERT INTO sources (name, identity) VALUES (?, ?)"
            self._names.clear()
            return int(self.base.execute(question, (name, identity)).lastrowid or 0)

    def add(self, number: int, cell: Cell | None) -> None:
        """A candidate, None where none could be made; within a transaction."""
        self.base.execute("INSERT INTO candidates VALUES (?, ?)", (number, cell and pack(cell)))

    def made(self, source: int) -> list[int]:
        """Places in a source of the candidates that there are, in order."""
        first = source * SPAN
        question = "SELECT number - ? FROM candidates WHERE number >= ? AND number < ? ORDER BY number"
        return [place for (place,) in self.base.execute(question, (first, first, first + SPAN))]

    def id_of(self, number: int) -> str:
        """The id of a candidate."""
        return f"{self.source_of(number)}-{number % SPAN:07d}"

    def source_of(self, number: int) -> str:
        """The name of a candidate's source."""
        if not self._names:
            self._names |= {source: name for name, (source, _) in self.sources().items()}
        return self._names[number // SPAN]

    def number_of(self, id: str) -> int:
        """Inverse of `id_of`. Raises DataError for an id that nothing has."""
        name, _, place = id.rpartition("-")
        source = self.sources().get(name)
        if source and place.isdecimal():
            number = source[0] * SPAN + int(place)
            if self.base.execute("SELECT 1 FROM candidates WHERE number = ?", (number,)).fetchone():
                return number
        raise DataError(
            f"no candidate is called {id!r} in {self.path.parent}",
            f"ids are made of a source and a number, such as {next(iter(self.sources()), 'SOURCE')}-0000000",
        )

    def candidates(
        self, numbers: Sequence[int], stage: int, reads: Sequence[str] | None = None
    ) -> list[Candidate]:
        """Candidates as a position of the plan finds them: their last cells, and the values that it reads (None: all).

        Those that have no cell are left out.
        """
        cells = dict(self.each("SELECT number, cell FROM candidates WHERE number IN ({})", numbers))
        values: dict[int, dict[str, Value]] = {number: {} for number in numbers}
        # Positions one by one, since the key of places begins with them: `stage < ?` would go through all candidates.
        before = ",".join(map(str, range(stage)))
        question = (
            "SELECT p.number, v.found, v.cell FROM places p JOIN verdicts v USING (verdict) "
            f"WHERE p.stage IN ({before}) AND p.number IN ({{}}) ORDER BY p.stage"
        )
        for number, found, cell in self.each(question, numbers):
            if found:
                values[number] |= json.loads(found)
            if cell is not None:
                cells[number] = cell
        wanted = None if reads is None else set(reads)
        return [
            Candidate(
                self.id_of(number), self.source_of(number), unpack(cells[number]),
                {name: one for name, one in values[number].items() if wanted is None or name in wanted},
            )
            for number in numbers
            if cells.get(number) is not None
        ]  # fmt: skip

    def each(self, question: str, numbers: Sequence[int]) -> Iterator[tuple]:
        """Rows of a question with `IN ({})` for some numbers, however many."""
        for start in range(0, len(numbers), LOOKUP):
            part = numbers[start : start + LOOKUP]
            yield from self.base.execute(question.format(",".join("?" * len(part))), part)
