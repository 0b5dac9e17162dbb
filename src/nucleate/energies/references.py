"""The crystals of a data set whose energies a hull is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nucleate.cell import Cell
from nucleate.data.dataset import Dataset
from nucleate.data.table import CrystalTable
from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.energies.convex_hull import Phases, fractions_of

FORMATION_COLUMN = "formation_energy_per_atom"
HULL_COLUMN = "e_above_hull"


@dataclass(frozen=True)
class ReferenceStructures:
    """Crystals of a data set, from one or more splits.

    Attributes:
        tables: the splits.
        names: of the data set and its splits, with checksums: the identity for reports.
        phases: their compositions, in the order of the tables.
    """

    tables: tuple[CrystalTable, ...]
    names: dict[str, str]
    phases: Phases

    @classmethod
    def of(cls, dataset: Dataset | Path | str, splits: Sequence[str] = ()) -> ReferenceStructures:
        """All structures of some splits; of all splits where none is named.

        Raises DataError for a missing data set or split.
        """
        dataset = dataset if isinstance(dataset, Dataset) else Dataset.open(dataset)
        splits = list(splits) or dataset.splits
        tables = tuple(dataset.split(name) for name in splits)
        names = {name: dataset.info["checksums"][f"{name}.parquet"] for name in splits}
        return cls.of_tables(tables, names)

    @classmethod
    def of_tables(
        cls, tables: Sequence[CrystalTable], names: dict[str, str] | None = None
    ) -> ReferenceStructures:
        """The same of tables in memory."""
        fractions = [fractions_of(t.species[t.atoms_of(i)]) for t in tables for i in range(len(t))]
        matrix = np.stack(fractions) if fractions else np.zeros((0, MAX_ATOMIC_NUMBER + 1))
        return cls(tuple(tables), names or {}, Phases(matrix))

    def __len__(self) -> int:
        return len(self.phases)

    def _place(self, index: int) -> tuple[CrystalTable, int]:
        for table in self.tables:
            if index < len(table):
                return table, index
            index -= len(table)
        raise IndexError(index)

    def cell(self, index: int) -> Cell:
        table, row = self._place(index)
        return table.cell(row)

    def id(self, index: int) -> str:
        table, row = self._place(index)
        return table.ids[row]

    def column(self, name: str) -> np.ndarray | None:
        """A property of all crystals, NaN where unknown; None where no split has it."""
        if not any(name in table.properties for table in self.tables):
            return None
        parts = [t.properties.get(name, np.full(len(t), np.nan)) for t in self.tables]
        return np.concatenate([np.asarray(part, dtype=float) for part in parts])
