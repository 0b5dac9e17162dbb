"""Questions to a listing: which rows, in what order, which page. They come from an address and are checked here."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nucleate.elements import ATOMIC_NUMBERS
from nucleate.errors import DataError, FormulaError
from nucleate.metrics.dng.symmetry import CRYSTAL_SYSTEMS, LAST_GROUPS
from nucleate.sampling.formula import conventional, formula_text, parse_formula, reduce_formula
from nucleate.web.listing import Listing, compute

LARGEST_PAGE = 500
LONGEST = 200
"""Letters of one value of a question."""
KEPT = 64
"""Orders of rows that stay in memory, of all listings."""


@dataclass(frozen=True)
class Query:
    """A question.

    Attributes:
        text: part of a name or formula; a formula; or a system such as Li-Fe-O.
        holds, lacks: atomic numbers that all or none of the crystals found hold.
        only: no elements beside those in `holds`.
        groups: lowest and highest number of the space group, None for any.
        ranges: column and its lowest and highest value.
        words: column and a part of its text; "yes" or "no" for a flag.
        sort, descending: a column, "" for the order of the files.
    """

    text: str = ""
    holds: tuple[int, ...] = ()
    lacks: tuple[int, ...] = ()
    only: bool = False
    groups: tuple[int, int] | None = None
    ranges: tuple[tuple[str, float, float], ...] = ()
    words: tuple[tuple[str, str], ...] = ()
    sort: str = ""
    descending: bool = False


def parse(given: Sequence[tuple[str, str]]) -> Query:
    """A question from the parameters of an address. Raises DataError for a value that can't be read."""
    for name, value in given:
        if len(value) > LONGEST:
            raise DataError(f"the value of {name[:20]} has {len(value)} letters", f"give at most {LONGEST}")
    one = dict(given)
    ranges, words = [], []
    for value in (value for name, value in given if name == "where"):
        name, colon, rest = value.rpartition(":")
        if not colon:
            raise DataError(f"'{value}' is no condition", "write column:low..high or column:text")
        if ".." in rest:
            low, _, high = rest.partition("..")
            ranges.append((name, _number(low, -math.inf), _number(high, math.inf)))
        else:
            words.append((name, rest))
    sort = one.get("sort", "")
    return Query(
        one.get("text", "").strip(),
        _elements(one.get("with", "")),
        _elements(one.get("without", "")),
        one.get("only", "") == "1",
        _groups(one.get("group", "")),
        tuple(ranges),
        tuple(words),
        sort.removeprefix("-"),
        sort.startswith("-"),
    )


def page_of(given: Mapping[str, str]) -> tuple[int, int]:
    """First row and number of rows of a page. Raises DataError."""
    page, size = _whole(given.get("page", "1"), "page"), _whole(given.get("size", "50"), "size")
    return (page - 1) * min(size, LARGEST_PAGE), min(size, LARGEST_PAGE)


def _whole(text: str, name: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 8 and int(text) > 0):
        raise DataError(f"{name} is no whole number above 0: '{text[:20]}'", "write for example 1")
    return int(text)


def _number(text: str, missing: float) -> float:
    if not text.strip():
        return missing
    try:
        value = float(text)
    except ValueError:
        raise DataError(f"'{text[:20]}' is no number", "write for example 0.1") from None
    if math.isnan(value):
        raise DataError("a limit can't be nan", "write for example 0.1")
    return value


def _elements(text: str) -> tuple[int, ...]:
    symbols = [symbol.strip() for symbol in text.split(",") if symbol.strip()]
    for symbol in symbols:
        if symbol not in ATOMIC_NUMBERS:
            raise DataError(f"'{symbol[:10]}' is no element", "write symbols with commas, such as Sr,Ti")
    return tuple(sorted({ATOMIC_NUMBERS[symbol] for symbol in symbols}))


def _groups(text: str) -> tuple[int, int] | None:
    text = text.strip().lower()
    if not text:
        return None
    if text in CRYSTAL_SYSTEMS:
        place = CRYSTAL_SYSTEMS.index(text)
        low = LAST_GROUPS[place - 1] + 1 if place else 1
        return int(low), int(LAST_GROUPS[place]) if place < len(LAST_GROUPS) else 230
    low, dash, high = text.partition("-")
    numbers = [int(part) for part in (low, high if dash else low) if part.isascii() and part.isdecimal()]
    if len(numbers) != 2 or not 1 <= numbers[0] <= numbers[1] <= 230:
        raise DataError(
            f"'{text[:30]}' is no space group", "write a number from 1 to 230, a range 195-230, or cubic"
        )
    return numbers[0], numbers[1]


class Orders:
    """Rows that answer a question, in its order; the latest answers are kept. Safe to ask from several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Any, tuple[Listing, np.ndarray]] = OrderedDict()

    def of(self, listing: Listing, query: Query) -> np.ndarray:
        """Row numbers. Raises DataError for a column that the listing does not have."""
        key = (id(listing), listing.found, query)
        kept = self._kept.get(key)
        if kept is not None and kept[0] is listing:
            return kept[1]
        order = rows_of(listing, query)
        self._kept[key] = (listing, order)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return order


def rows_of(listing: Listing, query: Query) -> np.ndarray:
    """Row numbers that answer a question, in its order; rows without a value come last."""
    import pyarrow as pa

    chosen = np.flatnonzero(_mask(listing, query))
    if not query.sort:
        return chosen
    values = _values(listing, query.sort).take(pa.array(chosen))
    way = "descending" if query.descending else "ascending"
    places = compute().array_sort_indices(values, order=way, null_placement="at_end")
    return chosen[places.to_numpy()]


def _values(listing: Listing, name: str) -> Any:
    try:
        return listing.values(name)
    except KeyError:
        known = ", ".join(column.name for column in listing.columns)
        raise DataError(f"there is no column '{name[:40]}'", f"there are {known}") from None


def _mask(listing: Listing, query: Query) -> np.ndarray:
    holds = listing.holds
    mask = np.ones(len(listing), dtype=bool)
    if query.holds:
        mask &= holds[:, list(query.holds)].all(1)
    if query.lacks:
        mask &= ~holds[:, list(query.lacks)].any(1)
    if query.only and query.holds:
        mask &= holds.sum(1) == holds[:, list(query.holds)].sum(1)
    if query.groups is not None:
        low, high = query.groups
        mask &= (listing.groups >= low) & (listing.groups <= high)
    if query.text:
        mask &= _with_text(listing, query.text)
    for name, low, high in query.ranges:
        mask &= _in_range(listing, name, low, high)
    for name, word in query.words:
        mask &= _with_word(listing, name, word)
    return mask


def _with_text(listing: Listing, text: str) -> np.ndarray:
    """By system (Li-Fe-O), by formula where the text is one that occurs, else by a part of name or formula."""
    parts = text.split("-")
    if len(parts) > 1 and all(part in ATOMIC_NUMBERS for part in parts):
        wanted = np.zeros(listing.holds.shape[1], dtype=bool)
        wanted[[ATOMIC_NUMBERS[part] for part in parts]] = True
        return (listing.holds == wanted).all(1)
    formula = listing.values("formula")
    try:
        unit = conventional(reduce_formula(parse_formula(text))[0].elements())
    except FormulaError:
        unit = None
    if unit is not None and len(unit) > 1:
        same = _array(compute().equal(formula, formula_text(unit)))
        if same.any():
            return same
    found = [
        compute().match_substring(listing.values(name), text, ignore_case=True)
        for name in ("formula", "name")
    ]
    return _array(found[0]) | _array(found[1])


def _in_range(listing: Listing, name: str, low: float, high: float) -> np.ndarray:
    values = _values(listing, name)
    kind = next(column.kind for column in listing.columns if column.name == name)
    if kind != "number":
        raise DataError(f"the column {name} holds no numbers", "look for a part of its text: column:text")
    numbers = values.to_numpy(zero_copy_only=False).astype(float)
    with np.errstate(invalid="ignore"):
        return (numbers >= low) & (numbers <= high)


def _with_word(listing: Listing, name: str, word: str) -> np.ndarray:
    values = _values(listing, name)
    kind = next(column.kind for column in listing.columns if column.name == name)
    if kind == "flag":
        return _array(compute().equal(values, word.lower() in ("yes", "true", "1")))
    if kind == "number":
        return _in_range(listing, name, _number(word, -math.inf), _number(word, math.inf))
    return _array(compute().match_substring(values, word, ignore_case=True))


def _array(flags: Any) -> np.ndarray:
    """Flags of arrow as an array; unknown ones are false."""
    return flags.fill_null(False).to_numpy(zero_copy_only=False).astype(bool)
