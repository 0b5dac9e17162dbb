"""Conditions on the rows of a data set: elements, number of atoms, properties, formulas that another set lacks."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.data.dataset import Dataset
from nucleate.data.table import CrystalTable
from nucleate.elements import ATOMIC_NUMBERS
from nucleate.errors import DataError

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    ">=": operator.ge, "<=": operator.le, "!=": operator.ne, "==": operator.eq,
    ">": operator.gt, "<": operator.lt, "=": operator.eq,
}  # fmt: skip
_CONDITION = re.compile(r"\s*(.+?)\s*(>=|<=|!=|==|>|<|=)\s*(.*?)\s*")


@dataclass(frozen=True)
class Condition:
    """A property compared with a value; a row where the property is not known never meets it.

    Attributes:
        name: of the property.
        sign: one of OPERATORS; for a property that is text = and != only.
        value: as it was written.
    """

    name: str
    sign: str
    value: str

    @classmethod
    def read(cls, text: str) -> Condition:
        """From 'band_gap>1'. Raises DataError for anything else."""
        match = _CONDITION.fullmatch(text)
        if match is None or not match[3]:
            raise DataError(
                f"{text!r} is not a condition", "write PROPERTY>VALUE, or with >=, <, <=, = or !="
            )
        return cls(*match.groups())

    def holds(self, table: CrystalTable) -> np.ndarray:
        """Which rows meet it; none where the table lacks the property. [rows]

        Raises DataError for a value or a sign of the wrong kind.
        """
        column = table.properties.get(self.name)
        if column is None:
            return np.zeros(len(table), dtype=bool)
        if column.dtype.kind in "iuf":
            return OPERATORS[self.sign](column, self._number()) & ~np.isnan(np.asarray(column, dtype=float))
        if self.sign not in ("=", "==", "!="):
            raise DataError(f"'{self.name}' is text, and {self.sign} compares numbers", "write = or !=")
        words = np.array(["" if word is None else str(word) for word in column.tolist()], dtype=object)
        return (OPERATORS[self.sign](words, self.value) & (words != "")).astype(bool)

    def _number(self) -> float:
        try:
            return float(self.value)
        except ValueError:
            raise DataError(
                f"'{self.name}' is a number, and '{self.value}' is not", f"write for example '{self.name}>1'"
            ) from None


@dataclass(frozen=True)
class Choice:
    """All conditions on a row.

    Attributes:
        contains: symbols of elements that have all to be in the crystal.
        only: symbols of the elements that may be in it; empty for all.
        without: symbols of elements that may not be in it.
        atoms: least and most atoms in the cell.
        where: conditions on properties.
        new_to: a data set in whose training split the reduced formula may not occur.
    """

    contains: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    atoms: tuple[float, float] = (-inf, inf)
    where: tuple[Condition, ...] = ()
    new_to: Dataset | None = None

    def holds(self, table: CrystalTable) -> np.ndarray:
        """Which rows meet every condition. [rows]"""
        present = _present(table)
        kept = present[:, _numbers(self.contains)].all(1) & ~present[:, _numbers(self.without)].any(1)
        if self.only:
            others = np.setdiff1d(np.arange(present.shape[1]), _numbers(self.only))
            kept &= ~present[:, others].any(1)
        kept &= (table.sizes >= self.atoms[0]) & (table.sizes <= self.atoms[1])
        for condition in self.where:
            kept &= condition.holds(table)
        if self.new_to is not None:
            known = set(reduced_formulas(self.new_to.split("train")))
            kept &= np.array([formula not in known for formula in reduced_formulas(table)], dtype=bool)
        return kept

    def check(self, tables: Iterable[CrystalTable]) -> None:
        """Raises DataError for a property that none of the tables has."""
        known = list(dict.fromkeys(name for table in tables for name in table.properties))
        for condition in self.where:
            if condition.name not in known:
                hint = f"it has {', '.join(known)}" if known else "it has no properties"
                raise DataError(f"no property '{condition.name}' in the data set", hint)

    def words(self) -> dict[str, Any]:
        """The conditions that were set, for dataset.json."""
        found: dict[str, Any] = {name: list(getattr(self, name)) for name in ("contains", "only", "without")}
        if self.atoms != (-inf, inf):
            found["atoms"] = [None if abs(bound) == inf else bound for bound in self.atoms]
        found["where"] = [f"{one.name}{one.sign}{one.value}" for one in self.where]
        if self.new_to is not None:
            found["new_to"] = {"name": self.new_to.path.name, "checksums": self.new_to.info["checksums"]}
        return {name: value for name, value in found.items() if value}


def read_elements(text: str) -> tuple[str, ...]:
    """'Li,O' -> ('Li', 'O'). Raises DataError for anything that is no element."""
    symbols = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for symbol in symbols:
        if symbol not in ATOMIC_NUMBERS:
            raise DataError(
                f"no element '{symbol}' in {text!r}", "write symbols with commas, for example Li,O"
            )
    return symbols


def reduced_formulas(table: CrystalTable) -> list[tuple[tuple[int, int], ...]]:
    """Of each crystal the `formula` of its `Cell`."""
    spans = zip(table.offsets, table.offsets[1:], table.lattice, strict=False)
    return [Cell(table.species[a:b], table.frac[a:b], lattice).formula for a, b, lattice in spans]


def _present(table: CrystalTable) -> np.ndarray:
    """Which elements each crystal has. [rows, 1 + atomic numbers]"""
    present = np.zeros((len(table), max(ATOMIC_NUMBERS.values()) + 1), dtype=bool)
    present[np.repeat(np.arange(len(table)), table.sizes), table.species] = True
    return present


def _numbers(symbols: tuple[str, ...]) -> list[int]:
    return [ATOMIC_NUMBERS[symbol] for symbol in symbols]
