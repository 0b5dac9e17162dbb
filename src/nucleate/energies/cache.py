"""A cache of energies and relaxations, under hashes of everything they depend on.

A result that depends on the clock is not stored.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from threading import local

import numpy as np

from nucleate.cell import Cell
from nucleate.records.store import Store

NAMESPACE = "energies"
_opened = local()


def key_of(kind: str, cell: Cell, *settings: str) -> str:
    """A hash of a crystal, atom by atom as it is given, and of everything else that the result depends on."""
    digest = hashlib.sha256("\0".join((kind, *settings)).encode())
    for values, kind_of_number in ((cell.species, "<i8"), (cell.frac, "<f8"), (cell.lattice, "<f8")):
        digest.update(np.ascontiguousarray(values, dtype=kind_of_number).tobytes())
    return digest.hexdigest()


def open_cache(path: Path) -> Store:
    """The results in a file, opened once in each thread of each process: a connection of SQLite is its thread's.

    Raises DataError where the file can't be opened as a store.
    """
    if not hasattr(_opened, "stores"):
        _opened.stores = {}
    if path not in _opened.stores:
        _opened.stores[path] = Store(path, NAMESPACE)
    return _opened.stores[path]
