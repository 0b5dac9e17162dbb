"""What the page shows: everything of nucleate's below some folders, each thing under a key of its own.

A browser names a thing by its key and never by a path. Links that lead out of the given folders are left out, and so
is a folder with such a link among its files.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nucleate.errors import DataError
from nucleate.records.crystal_files import RUNS, prediction_files
from nucleate.records.job_folder import is_job
from nucleate.records.ledger import NAME as LEDGER_FILE

DEPTH = 5
"""Folders below the given ones that are looked into."""
MOST = 20_000
"""Folders that are looked into at all."""
HEAD = 400_000
"""Bytes of a JSON file that are searched for the mark of a report."""
FRESH = 2.0
"""Seconds for which a search holds."""
DATASET, PREDICTIONS, GENERATED, RELAXED = "dataset", "predictions", "generated", "relaxed"
RUN, MODEL, REPORT, TRAJECTORIES, LEDGER = "run", "model", "report", "trajectories", "ledger"
CRYSTALS = (DATASET, PREDICTIONS, GENERATED, RELAXED, REPORT, LEDGER)
"""Kinds that have crystals in rows."""
_REPORT = re.compile(rb'"report": ?"(\w+)"')


@dataclass(frozen=True)
class Entry:
    """One thing that can be shown.

    Attributes:
        key: by which a browser names it; the same as long as its path is.
        kind: one of the kinds above.
        path: its folder or file.
        folder: where it lies, for people: from the name of the given folder on.
        name: the last part of its path.
        changed: when its newest file was written, seconds since 1970.
        size: of its files, bytes.
    """

    key: str
    kind: str
    path: Path
    folder: str
    name: str
    changed: float
    size: int = 0


class Library:
    """Everything of nucleate's below some folders; searched again when asked, at most every two seconds.

    Raises DataError for a folder that does not exist.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        for folder in folders:
            if not folder.is_dir():
                what = "is a file" if folder.exists() else "does not exist"
                raise DataError(f"{folder} {what}", "give folders that nucleate wrote")
        self.roots = tuple(dict.fromkeys(folder.resolve() for folder in folders))
        self._found: dict[str, Entry] = {}
        self._searched = float("-inf")

    def entries(self) -> list[Entry]:
        """All things, in the order of their folders."""
        if time.monotonic() - self._searched > FRESH:
            found = [entry for root in self.roots for entry in _search(root)]
            self._found = {entry.key: entry for entry in found}
            self._searched = time.monotonic()
        return list(self._found.values())

    def __getitem__(self, key: str) -> Entry:
        """Raises KeyError for a key that names nothing."""
        if key not in self._found:
            self.entries()
        return self._found[key]


@contextmanager
def reading(entry: Entry) -> Iterator[None]:
    """What a damaged file of an entry raises becomes a DataError; readers don't check for every damage."""
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError) as error:
        raise DataError(
            f"{entry.name} can't be read ({type(error).__name__}): a file of it is damaged", "make it again"
        ) from error


def inside(path: Path, root: Path) -> bool:
    """Whether a path, all links followed, lies in a folder."""
    return path.resolve().is_relative_to(root)


def _search(root: Path) -> Iterator[Entry]:
    for looked, (place, folders, files) in enumerate(os.walk(root)):
        path = Path(place)
        depth = len(path.relative_to(root).parts)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if depth < DEPTH else []
        if looked >= MOST:
            return
        if all(inside(path / name, root) for name in files if (path / name).is_symlink()):
            yield from _in_folder(path, root, files)


def _in_folder(path: Path, root: Path, files: Sequence[str]) -> Iterator[Entry]:
    there = set(files)
    if "dataset.json" in there:
        yield _entry(DATASET, path, root, [path / "dataset.json"])
    elif "relax.json" in there:
        yield _entry(RELAXED, path, root, [path / "relax.json"])
    elif written := prediction_files(path, RUNS):
        drawn = any(file.name.startswith("generated") for file in written)
        yield _entry(GENERATED if drawn else PREDICTIONS, path, root, written)
    elif is_job(path):
        yield _entry(PREDICTIONS, path, root, [path / "job.json"])
    if LEDGER_FILE in there:
        yield _entry(LEDGER, path, root, [path / LEDGER_FILE])
    if "metrics.jsonl" in there:
        yield _entry(RUN, path, root, [path / "metrics.jsonl"])
    if "card.json" in there:
        yield _entry(MODEL, path, root, [path / "card.json"])
    if path.name == "trajectories" and (ways := [name for name in files if name.endswith(".extxyz")]):
        yield _entry(TRAJECTORIES, path, root, [path / name for name in ways])
    for name in sorted(there):
        if name.endswith(".json") and report_kind(path / name):
            yield _entry(REPORT, path / name, root, [path / name])


def report_kind(path: Path) -> str:
    """The kind of report that a JSON file seems to hold, "" for none; only its beginning is read."""
    try:
        with path.open("rb") as file:
            found = _REPORT.search(file.read(HEAD))
    except OSError:
        return ""
    return found[1].decode() if found else ""


def _entry(kind: str, path: Path, root: Path, files: Sequence[Path]) -> Entry:
    inner = path.relative_to(root)
    name = inner.name or root.name
    folder = "/".join((root.name, *inner.parts[:-1])) if inner.parts else ""
    key = hashlib.sha256(f"{root}\0{inner}\0{kind}".encode()).hexdigest()[:12]
    states = [file.stat() for file in files if file.exists()]
    changed, size = max((one.st_mtime for one in states), default=0.0), sum(one.st_size for one in states)
    return Entry(key, kind, path, folder, name, changed, size)
