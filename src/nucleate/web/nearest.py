"""The known crystal that another one is nearest to, of the data sets that are shown and those that are shipped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.metrics.amd import average_minimum_distances
from nucleate.metrics.matching import Matcher, try_match
from nucleate.metrics.reduction import reduce_cell
from nucleate.prototypes.shipped import INDEX, SOURCES
from nucleate.report.html.gallery import DRAWN
from nucleate.web.details import formula
from nucleate.web.library import DATASET, Entry, Library
from nucleate.web.listing import Listing, compute
from nucleate.web.listings import Listings

if TYPE_CHECKING:
    from nucleate.prototypes.index import Index

MOST = 60
"""Known crystals of one formula that are compared."""
PATIENCE = 3.0
"""Seconds for one pair."""


@dataclass(frozen=True)
class Relative:
    """A crystal that another one is compared with.

    Attributes:
        name: of its own.
        cell: the crystal.
        origin: where it is from, for people.
    """

    name: str
    cell: Cell
    origin: str


def nearest(library: Library, listings: Listings, cell: Cell, made_from: str = "") -> Relative | None:
    """The nearest known crystal, of the data sets that are shown and the shipped known crystals.

    Of those of the same formula the one with the smallest RMS displacement of `StructureMatcher`; where none matches,
    or for those of the same elements, the one with the smallest distance of average minimum distances; without any, the
    crystal that its structure type is from.

    made_from: name of that one, "" for none.
    """
    for alike in (_of_formula, _of_elements):
        found = [one for one in islice(alike(library, listings, cell), MOST) if not defect(one.cell, DRAWN)]
        if found:
            return min(found, key=lambda one: _distance(cell, one.cell))
    return _named(made_from) if made_from else None


def _distance(first: Cell, second: Cell) -> tuple[float, float]:
    rms, _ = try_match(lambda: Matcher().rms(reduce_cell(first), reduce_cell(second)), PATIENCE)
    if rms is not None:
        return rms, 0.0
    both, _ = try_match(
        lambda: [average_minimum_distances(one.frac, one.lattice) for one in (first, second)], PATIENCE
    )
    return np.inf, np.inf if both is None else float(np.abs(both[0] - both[1]).max())


def _of_formula(library: Library, listings: Listings, cell: Cell) -> Iterator[Relative]:
    """Known crystals with the formula of a cell."""
    for entry, listing in _data_sets(library, listings):
        yield from _rows(entry, listing, rows_of_formula(listing, cell), "same formula")
    for place in entries_of_formula(_index(), cell):
        yield _entry(place, "same formula")


def _of_elements(library: Library, listings: Listings, cell: Cell) -> Iterator[Relative]:
    """Known crystals with the elements of a cell, in any proportions."""
    held = np.bincount(cell.species, minlength=MAX_ATOMIC_NUMBER + 1) > 0
    for entry, listing in _data_sets(library, listings):
        rows = np.flatnonzero((listing.holds == held).all(1)).tolist()
        yield from _rows(entry, listing, rows, "same elements")
    for place in entries_of_elements(_index(), np.flatnonzero(held)).tolist():
        yield _entry(place, "same elements")


def _data_sets(library: Library, listings: Listings) -> Iterator[tuple[Entry, Listing]]:
    for entry in library.entries():
        if entry.kind == DATASET:
            yield entry, listings.of(entry)


def _rows(entry: Entry, listing: Listing, rows: list[int], why: str) -> Iterator[Relative]:
    for row in rows:
        found = listing.cell(row)
        if found is not None:
            yield Relative(str(listing.values("name")[row].as_py()), found, f"{entry.name}, {why}")


def _entry(place: int, why: str) -> Relative:
    index = _index()
    return Relative(index.names[place], index.cell(place), f"{SOURCES[str(index.source[place])]}, {why}")


def _named(source: str) -> Relative | None:
    """The shipped crystal that an answer names as its source, such as mp_20:mp-13819."""
    index, (origin, _, name) = _index(), source.partition(":")
    for place in np.flatnonzero(index.source == origin).tolist():
        if index.names[place] == name:
            return _entry(place, "same structure type")
    return None


def rows_of_formula(listing: Listing, cell: Cell) -> list[int]:
    """Rows with the same reduced formula."""
    equal = compute().equal(listing.values("formula"), formula(cell))
    return np.flatnonzero(equal.to_numpy(zero_copy_only=False)).tolist()


def entries_of_elements(index: Index, elements: np.ndarray) -> np.ndarray:
    """Entries of an index with exactly these elements (atomic numbers, ascending)."""
    places = np.flatnonzero(np.diff(index.role_offsets) == len(elements))
    roles = index.role_offsets[places][:, None] + np.arange(len(elements))
    return places[(np.sort(index.elements[roles], axis=1) == elements).all(1)]


def entries_of_formula(index: Index, cell: Cell) -> list[int]:
    """Entries of an index with the same reduced formula."""
    elements, wanted = (np.array(part) for part in zip(*cell.formula, strict=True))
    places = entries_of_elements(index, elements)
    roles = index.role_offsets[places][:, None] + np.arange(len(elements))
    order = np.argsort(index.elements[roles], axis=1)
    counts = np.take_along_axis(index.counts[roles], order, 1)
    counts = counts // np.gcd.reduce(counts, axis=1)[:, None]
    return places[(counts == wanted).all(1)].tolist()


@cache
def _index() -> Index:
    from nucleate.prototypes.files import read_index

    return read_index(INDEX)
