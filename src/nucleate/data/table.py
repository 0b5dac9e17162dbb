"""CrystalTable: many crystals in columns, as they lie in one parquet file of a data set.

Columns of the file: `material_id` (string), `species` (list of atomic numbers), `frac` (list of 3 n numbers,
atom by atom), `lattice` (list of 9 numbers, row by row, Å), then any property columns. Nothing here needs
pymatgen or pandas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from nucleate.cell import Cell
from nucleate.crystals import Crystals, wrap
from nucleate.errors import DataError
from nucleate.notebooks import DrawnInNotebooks

STRUCTURE_COLUMNS = ("material_id", "species", "frac", "lattice")


@dataclass(frozen=True)
class CrystalTable(DrawnInNotebooks):
    """Crystals without padding.

    Attributes:
        ids: a name for each crystal.
        species: atomic numbers of all crystals, one after another. [atoms], int64
        offsets: crystal i owns atoms offsets[i] to offsets[i + 1]. [crystals + 1], int64
        frac: fractional coordinates in [0, 1). [atoms, 3], float64
        lattice: rows are the cell vectors, Å. [crystals, 3, 3], float64
        properties: further columns by name, numbers (NaN where unknown) or strings. [crystals]
    """

    ids: list[str]
    species: np.ndarray
    offsets: np.ndarray
    frac: np.ndarray
    lattice: np.ndarray
    properties: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def sizes(self) -> np.ndarray:
        """Number of atoms in each crystal. [crystals]"""
        return np.diff(self.offsets)

    def atoms_of(self, index: int) -> slice:
        return slice(int(self.offsets[index]), int(self.offsets[index + 1]))

    def cell(self, index: int) -> Cell:
        """The crystal at this index."""
        atoms = self.atoms_of(index)
        return Cell(self.species[atoms], self.frac[atoms], self.lattice[index])

    def cells(self) -> list[Cell]:
        """All crystals, in their order."""
        return [self.cell(index) for index in range(len(self))]

    def select(self, indices: np.ndarray | list[int]) -> CrystalTable:
        """The crystals at these indices, in this order."""
        indices = np.asarray(indices, dtype=np.int64)
        sizes = self.sizes[indices]
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        atoms = np.repeat(self.offsets[indices] - offsets[:-1], sizes) + np.arange(offsets[-1])
        return CrystalTable(
            [self.ids[i] for i in indices],
            self.species[atoms],
            offsets,
            self.frac[atoms],
            self.lattice[indices],
            {name: column[indices] for name, column in self.properties.items()},
        )

    def numbers(self, names: Sequence[str]) -> np.ndarray:
        """Properties side by side, NaN where they are not known. [crystals, names], float64

        Raises DataError for a property that is not there, or is no finite number where it is known.
        """
        for name in names:
            column = self.properties.get(name)
            if column is None:
                known = f"it has {', '.join(self.properties)}" if self.properties else "it has no properties"
                raise DataError(f"no property '{name}' in the data set", known)
            if column.dtype.kind not in "fiu":
                raise DataError(f"the property '{name}' holds text", "name a property that is a number")
            beyond = np.flatnonzero(np.abs(column) > np.finfo(np.float32).max)
            if beyond.size:
                which, value = self.ids[int(beyond[0])], column[beyond[0]]
                raise DataError(
                    f"the property '{name}' of {which} is {value}, not a finite float32 number",
                    "leave such rows out with 'nucleate data filter --where'",
                )
        return np.stack([self.properties[name].astype(np.float64) for name in names], 1)

    def batch(
        self,
        indices: np.ndarray | list[int],
        dtype: torch.dtype = torch.float32,
        conditions: Sequence[str] = (),
    ) -> Crystals:
        """The crystals at these indices as one padded batch, with the properties of these names as its `condition`."""
        part = self.select(indices)
        mask = np.arange(part.sizes.max()) < part.sizes[:, None]
        species = np.zeros(mask.shape, dtype=np.int64)
        frac = np.zeros((*mask.shape, 3))
        species[mask], frac[mask] = part.species, part.frac
        return Crystals(
            torch.from_numpy(species),
            wrap(torch.from_numpy(frac).to(dtype)),
            torch.from_numpy(part.lattice).to(dtype),
            torch.from_numpy(mask),
            torch.from_numpy(part.numbers(conditions)).to(dtype) if conditions else None,
        )


def write_table(table: CrystalTable, path: Path) -> None:
    """Write one split as parquet (zstd)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    offsets = pa.array(table.offsets, pa.int32())
    columns = {
        "material_id": pa.array(table.ids, pa.string()),
        "species": pa.ListArray.from_arrays(offsets, pa.array(table.species, pa.uint8())),
        "frac": pa.ListArray.from_arrays(
            pa.array(3 * table.offsets, pa.int32()), pa.array(table.frac.reshape(-1), pa.float64())
        ),
        "lattice": pa.FixedSizeListArray.from_arrays(pa.array(table.lattice.reshape(-1), pa.float64()), 9),
        **{name: pa.array(column) for name, column in table.properties.items()},
    }
    pq.write_table(pa.table(columns), path, compression="zstd")


def split_file(folder: Path, split: str) -> Path:
    """The file of a split, in a folder that need not be a whole data set. Raises DataError where only others exist."""
    path = folder / f"{split}.parquet"
    if not path.is_file() and (there := sorted(one.stem for one in folder.glob("*.parquet"))):
        raise DataError(f"{folder} has no split '{split}'", f"it has {', '.join(there)}")
    return path


def read_table(path: Path) -> CrystalTable:
    """Read one split. Raises DataError when the file is missing or has other columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise DataError(f"no file {path}", "make a data set with 'nucleate data import SOURCE --out DIR'")
    try:
        # Not pq.read_table nor ChunkedArray.to_numpy: both import pandas wherever it is installed.
        columns = pq.ParquetFile(path).read()
    except (pa.ArrowInvalid, OSError) as error:
        message = f"{path} is not a readable parquet file ({error})"
        raise DataError(message, "import the data set again") from None
    missing = [name for name in STRUCTURE_COLUMNS if name not in columns.column_names]
    if missing:
        raise DataError(f"{path} lacks the columns {', '.join(missing)}", "import the data set again")
    columns = columns.combine_chunks()
    species, frac, lattice = (_flat(columns[name]) for name in STRUCTURE_COLUMNS[1:])
    sizes = columns["species"].combine_chunks().value_lengths().to_numpy(zero_copy_only=False)
    return CrystalTable(
        columns["material_id"].to_pylist(),
        species.astype(np.int64),
        np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]),
        frac.reshape(-1, 3),
        lattice.reshape(-1, 3, 3),
        {
            name: columns[name].combine_chunks().to_numpy(zero_copy_only=False)
            for name in columns.column_names
            if name not in STRUCTURE_COLUMNS
        },
    )


def _flat(column) -> np.ndarray:
    chunk = column.combine_chunks()
    return chunk.flatten().to_numpy(zero_copy_only=False)
