"""The crystals of one listing beside those of another: how often each element, size, density and value occurs."""

from __future__ import annotations

from typing import Any

import numpy as np

from nucleate.elements import SYMBOLS
from nucleate.metrics.dng.family import Comparison
from nucleate.metrics.dng.symmetry import CRYSTAL_SYSTEMS, LAST_GROUPS
from nucleate.web.listing import Listing
from nucleate.web.reports import comparison_of
from nucleate.web.titles import KNOWN

BINS = 30
QUANTILES = (0.005, 0.995)
"""Of both sides together; rarer values are left out of a histogram."""
WHOLE = ("atoms", "elements")


def distributions(listing: Listing, rows: np.ndarray, reference: Listing) -> list[dict[str, Any]]:
    """Comparisons for JSON: of the elements, crystal systems, and every column of numbers that both have.

    rows: of the listing that are compared.
    """
    found = [
        _elements(listing.holds[rows], reference.holds),
        _systems(listing.groups[rows], reference.groups),
    ]
    theirs = {column.name for column in reference.columns if column.kind == "number"}
    for column in listing.columns:
        if column.kind != "number" or column.name not in theirs or column.name == "space_group":
            continue
        ours = numbers(listing, column.name)[rows]
        one = _numbers(ours, numbers(reference, column.name), column.name in WHOLE)
        if one is not None:
            title, unit = KNOWN.get(column.name, (column.title, column.unit))
            found.append(Comparison(title, [], one[0], one[1], column.unit or unit, one[2]))
    return [comparison_of(one) for one in found if len(one.samples)]


def numbers(listing: Listing, name: str) -> np.ndarray:
    """A column of numbers, NaN where unknown. [rows]"""
    return listing.values(name).to_numpy(zero_copy_only=False).astype(float)


def _numbers(
    ours: np.ndarray, theirs: np.ndarray, whole: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Shares of both sides in bins, and the edges; None where a side has no values or there is only one."""
    ours, theirs = ours[np.isfinite(ours)], theirs[np.isfinite(theirs)]
    if not len(ours) or not len(theirs):
        return None
    low, high = np.quantile(np.concatenate([ours, theirs]), QUANTILES)
    if not low < high:
        return None
    if whole and high - low <= 2 * BINS:
        edges = np.arange(np.floor(low), np.ceil(high) + 2) - 0.5
    else:
        edges = np.linspace(low, high, BINS + 1)
    shares = [np.histogram(side, edges)[0] / max(1, len(side)) for side in (ours, theirs)]
    return shares[0], shares[1], edges


def _elements(ours: np.ndarray, theirs: np.ndarray) -> Comparison:
    shares = [side.mean(0) if len(side) else np.zeros(side.shape[1]) for side in (ours, theirs)]
    there = np.flatnonzero(shares[0] + shares[1])
    labels = [SYMBOLS[number] for number in there]
    return Comparison("elements", labels, shares[0][there], shares[1][there])


def _systems(ours: np.ndarray, theirs: np.ndarray) -> Comparison:
    shares = []
    for side in (ours, theirs):
        known = side[side > 0]
        counts = np.bincount(np.searchsorted(LAST_GROUPS, known), minlength=len(CRYSTAL_SYSTEMS))
        shares.append(counts / max(1, len(known)))
    return Comparison("crystal systems", list(CRYSTAL_SYSTEMS), shares[0], shares[1])
