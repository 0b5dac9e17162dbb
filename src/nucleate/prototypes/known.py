"""Whether a crystal has a structure type that is known: whether its prototype is in the shipped index."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache

from nucleate.cell import Cell
from nucleate.prototypes.entry import describe
from nucleate.prototypes.files import read_index
from nucleate.prototypes.shipped import INDEX


@dataclass(frozen=True)
class KnownAs:
    """The structure type of a crystal.

    Attributes:
        prototype: its name (labels.py); "" where no space group is found.
        entries: crystals of the index that have it.
    """

    prototype: str
    entries: int


def known_as(cell: Cell) -> KnownAs:
    """The structure type of a crystal, and how often it is known."""
    entry = describe(cell)
    return KnownAs("", 0) if entry is None else KnownAs(entry.label, _counts()[entry.label])


@cache
def _counts() -> Counter[str]:
    return Counter(read_index(INDEX).label.tolist())
