"""A listing: crystals in rows, with columns that can be searched and sorted."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nucleate.cell import Cell
from nucleate.data.cell_forms import SYMPREC
from nucleate.elements import ATOMIC_MASSES, MAX_ATOMIC_NUMBER, SYMBOLS, group_of, period_of
from nucleate.metrics.dng.symmetry import space_group
from nucleate.work import processes

if TYPE_CHECKING:
    import pyarrow as pa

GROUP = "space_group"
OWN = ("name", "formula", "atoms", "elements", "volume", "density", GROUP)
"""Columns that every listing has: the name, facts of the crystal, and its space group."""
SOON = 400
"""Rows up to which space groups are found before the listing is shown."""
CHUNK = 64
GIVING_WAY = 10
"""Niceness of the process that finds them."""
ENDING = threading.Event()
"""Set when the program ends."""
DALTON = 1.66053907
"""g/cm^3 of one atomic mass unit in 1 Å^3."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name, title: for addresses and for people.
        kind: what it holds.
        unit: "" for none.
        shown: whether it is shown until somebody chooses.
    """

    name: str
    title: str
    kind: Literal["number", "text", "flag"] = "number"
    unit: str = ""
    shown: bool = True


@dataclass(eq=False)
class Listing:
    """Crystals in rows.

    Attributes:
        columns: in their order.
        table: their values except those of the space group; null where unknown. [rows]
        holds: whether a crystal holds an element, by atomic number. [rows, MAX_ATOMIC_NUMBER + 1], bool
        groups: numbers of the space groups; 0 where not known, -1 where there is none. [rows]
        cell: the crystal of a row, None where it can't be read.
        facts: what its file says about the crystal of a row.
    """

    columns: tuple[Column, ...]
    table: pa.Table
    holds: np.ndarray
    groups: np.ndarray
    cell: Callable[[int], Cell | None]
    facts: Callable[[int], Mapping[str, str]] = field(default=lambda row: {})
    found: int = 0
    _arrays: dict[tuple[str, int], pa.Array] = field(default_factory=dict, repr=False)
    _limits: dict[tuple[str, int], tuple[float, float] | None] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return self.table.num_rows

    @property
    def complete(self) -> bool:
        """Whether the space group of every row was looked for."""
        return self.found >= len(self)

    def find_groups(self) -> None:
        """Find the space groups that are not known: at once for a short listing, else beside, in a thread."""
        missing = np.flatnonzero(self.groups == 0)
        if len(missing) <= SOON:
            self.groups[missing] = _groups([self.cell(int(row)) for row in missing])
            self.found = len(self)
        else:
            threading.Thread(target=self._find, args=(missing,), daemon=True, name="space groups").start()

    def _find(self, missing: np.ndarray) -> None:
        """In a process of its own, which gives way to others: requests come first."""
        with processes(1) as pool:
            for start in range(0, len(missing), CHUNK):
                if ENDING.is_set():
                    return
                rows = missing[start : start + CHUNK]
                self.groups[rows] = pool.submit(
                    _groups, [self.cell(int(row)) for row in rows], GIVING_WAY
                ).result()
                self.found = int(rows[-1])
        self.found = len(self)

    def values(self, name: str) -> pa.Array:
        """One column. Raises KeyError for a name that is none."""
        import pyarrow as pa

        state = (name, self.found if name == GROUP else 0)
        if state not in self._arrays:
            if name == GROUP:
                self._arrays = {key: one for key, one in self._arrays.items() if key[0] != GROUP}
                self._arrays[state] = pa.array(self.groups, mask=self.groups < 1)
            else:
                self._arrays[state] = self.table.column(name).combine_chunks()
        return self._arrays[state]

    def element_counts(self, rows: np.ndarray) -> np.ndarray:
        """How many of some rows hold each element, by atomic number. [MAX_ATOMIC_NUMBER + 1]"""
        starts, elements = self._held
        lengths = starts[rows + 1] - starts[rows]
        before = np.cumsum(lengths) - lengths
        places = np.repeat(starts[rows] - before, lengths) + np.arange(lengths.sum())
        return np.bincount(elements[places], minlength=self.holds.shape[1])

    @cached_property
    def _held(self) -> tuple[np.ndarray, np.ndarray]:
        """Where the elements of each row begin, and the elements of all rows one after another."""
        rows, elements = np.nonzero(self.holds)
        return np.searchsorted(rows, np.arange(len(self) + 1)), elements.astype(np.uint8)

    def limits(self, name: str) -> tuple[float, float] | None:
        """Lowest and highest value of a column of numbers, None where there is no value."""
        state = (name, self.found if name == GROUP else 0)
        if state not in self._limits:
            found = compute().min_max(self.values(name)).as_py()
            self._limits[state] = None if found["min"] is None else (found["min"], found["max"])
        return self._limits[state]


def _groups(cells: Sequence[Cell | None], niceness: int = 0) -> list[int]:
    """Numbers of space groups, -1 where there is none."""
    if niceness > (now := os.getpriority(os.PRIO_PROCESS, 0)):
        os.nice(niceness - now)
    return [space_group(cell, SYMPREC) or -1 for cell in cells]


def compute() -> Any:
    """The functions of arrow, which its stubs do not know."""
    import pyarrow.compute

    return pyarrow.compute


def own_columns(
    names: Sequence[str], species: np.ndarray, offsets: np.ndarray, lattice: np.ndarray
) -> tuple[dict[str, Any], np.ndarray]:
    """The columns that every listing has, space groups excepted, and `holds` of `Listing`.

    Args:
        species: atomic numbers of all crystals, one after another. [atoms]
        offsets: crystal i owns atoms offsets[i] to offsets[i + 1]; one without atoms is unreadable. [crystals + 1]
        lattice: rows are the cell vectors, Å. [crystals, 3, 3]
    """
    sizes = np.diff(offsets)
    counts = np.zeros((len(names), MAX_ATOMIC_NUMBER + 1), dtype=np.int32)
    np.add.at(counts, (np.repeat(np.arange(len(names)), sizes), species), 1)
    with np.errstate(all="ignore"):
        volumes = np.abs(np.linalg.det(lattice))
        density = counts @ np.array(ATOMIC_MASSES) / volumes * DALTON
        per_atom = volumes / sizes
    columns = {
        "name": list(names),
        "formula": formulas(counts),
        "atoms": sizes,
        "elements": (counts > 0).sum(1),
        "volume": np.where(sizes > 0, per_atom, np.nan),
        "density": np.where(sizes > 0, density, np.nan),
    }
    # column by column, as it is searched
    return columns, np.asfortranarray(counts > 0)


def formulas(counts: np.ndarray) -> list[str]:
    """Reduced formulas, elements in the order of `sampling.formula.conventional`. counts: [crystals, elements]"""
    order = sorted(range(1, counts.shape[1]), key=place_in_formula)
    symbols = [SYMBOLS[number] for number in order]
    divisors = np.maximum(np.gcd.reduce(counts, axis=1), 1)
    reduced = (counts // divisors[:, None])[:, order]
    rows, places = np.nonzero(reduced)
    parts: list[list[str]] = [[] for _ in range(len(counts))]
    for row, place, count in zip(rows.tolist(), places.tolist(), reduced[rows, places].tolist(), strict=True):
        parts[row].append(symbols[place] if count == 1 else f"{symbols[place]}{count}")
    return ["".join(one) for one in parts]


def place_in_formula(number: int) -> tuple[float, int]:
    """Sorts elements as formulas do."""
    group = 15.5 if number == 1 else group_of(number)
    return (3 if group > 18 else group), -period_of(number)


def make_listing(
    columns: Sequence[Column], own: dict[str, Any], more: Mapping[str, Any], holds: np.ndarray,
    groups: np.ndarray | None, cell: Callable[[int], Cell | None], facts: Callable[[int], Mapping[str, str]],
) -> Listing:  # fmt: skip
    """A listing of these columns; NaN becomes null."""
    import pyarrow as pa

    arrays = {name: _array(values) for name, values in {**own, **more}.items()}
    numbers = np.zeros(len(holds), dtype=np.int16) if groups is None else groups.astype(np.int16)
    listing = Listing(tuple(columns), pa.table(arrays), holds, numbers, cell, facts)
    listing.find_groups()
    return listing


def _array(values: Any) -> pa.Array:
    import pyarrow as pa

    if isinstance(values, np.ndarray) and values.dtype.kind == "f":
        return pa.array(values, mask=~np.isfinite(values))
    return pa.array(values)
