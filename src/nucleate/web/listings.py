"""Listings of the things in a library, read when they are asked for and kept while their files do not change."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nucleate.errors import DataError
from nucleate.web import funnels, library, readers
from nucleate.web.library import Entry, reading
from nucleate.web.listing import Listing

KEPT = 6
"""Listings that stay in memory."""
READERS: dict[str, Callable[[Path], Listing]] = {
    library.DATASET: readers.of_dataset,
    library.PREDICTIONS: readers.of_frames,
    library.GENERATED: readers.of_frames,
    library.RELAXED: readers.of_frames,
    library.REPORT: readers.of_report,
    library.LEDGER: funnels.of_ledger,
}


class Listings:
    """Listings by entry; the one used longest ago is dropped first. Safe to ask from several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[Any, Listing]] = OrderedDict()
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def of(self, entry: Entry) -> Listing:
        """Raises DataError for a thing without crystals, or whose files can't be read."""
        if entry.kind not in READERS:
            raise DataError(f"{entry.name} holds no crystals", "choose another folder")
        with self._lock:
            lock = self._locks.setdefault(entry.key, threading.Lock())
        with lock:
            state = _state(entry)
            found = self._kept.get(entry.key)
            if found is None or found[0] != state:
                with reading(entry):
                    found = (state, READERS[entry.kind](entry.path))
            with self._lock:
                self._kept[entry.key] = found
                self._kept.move_to_end(entry.key)
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            return found[1]


def _state(entry: Entry) -> Any:
    """What changes when the files of an entry do."""
    if entry.path.is_file():
        files = [entry.path]
    else:
        files = [
            file
            for pattern in ("*.json", "*.parquet", "*.extxyz", "*.sqlite*")
            for file in entry.path.glob(pattern)
        ]
    return [(file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in sorted(files)]
