"""What the page is told, as JSON: the library, a page of a table, a crystal. No request is known here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from nucleate.elements import MAX_ATOMIC_NUMBER, SYMBOLS, group_of, period_of
from nucleate.metrics.dng.symmetry import CRYSTAL_SYSTEMS, LAST_GROUPS, symbol
from nucleate.web.library import CRYSTALS, Entry, Library
from nucleate.web.listing import Listing
from nucleate.web.query import Orders, page_of, parse


@cache
def about(runs: bool) -> dict[str, Any]:
    """What never changes: periodic table, symbols of the space groups."""
    from ase.data import atomic_names, covalent_radii
    from ase.data.colors import jmol_colors

    elements = [
        {
            "symbol": SYMBOLS[number],
            "name": atomic_names[number],
            "group": group_of(number),
            "period": period_of(number),
            "radius": round(float(covalent_radii[number]), 2),
            "colour": "#" + "".join(f"{round(255 * part):02x}" for part in jmol_colors[number].tolist()),
        }
        for number in range(1, MAX_ATOMIC_NUMBER + 1)
    ]
    return {
        "runs": runs,
        "elements": elements,
        "groups": [symbol(number) for number in range(1, 231)],
        "systems": [
            {"name": name, "last": last} for name, last in zip(CRYSTAL_SYSTEMS, LAST_GROUPS, strict=True)
        ],
    }


def library_of(library: Library) -> dict[str, Any]:
    """All things that can be shown."""
    return {"entries": [entry_of(entry) for entry in library.entries()]}


def entry_of(entry: Entry) -> dict[str, Any]:
    return {
        "key": entry.key,
        "kind": entry.kind,
        "name": entry.name,
        "folder": entry.folder,
        "changed": entry.changed,
        "size": entry.size,
        "crystals": entry.kind in CRYSTALS,
    }


def table_of(
    listing: Listing, orders: Orders, given: Sequence[tuple[str, str]], largest: int = 0
) -> dict[str, Any]:
    """A page of a table: columns with their ranges, rows, and how many of all rows found hold each element.

    largest: rows of the page, in place of the size that is asked for; 0 for that.
    """
    query = parse(given)
    start, size = page_of(dict(given))
    order = orders.of(listing, query)
    rows = order[start : start + (largest or size)]
    counts = listing.element_counts(order)
    return {
        "total": len(listing),
        "matched": len(order),
        "start": start,
        "columns": columns_of(listing),
        "rows": [
            {"row": int(row), "values": values}
            for row, values in zip(rows, _rows(listing, rows), strict=True)
        ],
        "elements": {SYMBOLS[n]: int(counts[n]) for n in np.flatnonzero(counts)},
        "symmetry": {"known": int(listing.found), "complete": listing.complete},
    }


def columns_of(listing: Listing) -> list[dict[str, Any]]:
    """Columns for JSON, those of numbers with their lowest and highest value."""
    return [
        {
            "name": column.name,
            "title": column.title,
            "kind": column.kind,
            "unit": column.unit,
            "shown": column.shown,
            **_range(listing, column.name, column.kind),
        }
        for column in listing.columns
    ]


def _range(listing: Listing, name: str, kind: str) -> Mapping[str, float]:
    limits = listing.limits(name) if kind == "number" and len(listing) else None
    return {} if limits is None else {"low": limits[0], "high": limits[1]}


def _rows(listing: Listing, rows: np.ndarray) -> list[list[Any]]:
    """The values of some rows, in the order of the columns."""
    import pyarrow as pa

    taken = pa.array(rows, pa.int64())
    columns = [listing.values(column.name).take(taken).to_pylist() for column in listing.columns]
    return [list(values) for values in zip(*columns, strict=True)] if columns else []
