"""The crystals that novelty is measured against, by formula; reduced cells are cached on disk.

Only references that share a formula with some sample are ever compared, so only those are reduced: a few thousand of a
training split, once. They are kept in one file beside the data set (or in the user's cache folder), with the checksum
of the data they belong to; `ReferenceIndex.build` reduces all of a split beforehand. The file may be deleted at any
time.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from nucleate.data.cache_folders import own_cache, user_cache
from nucleate.data.dataset import Dataset
from nucleate.data.table import CrystalTable
from nucleate.errors import DataError
from nucleate.files import parse_json
from nucleate.metrics.dng.equivalence import EquivalenceSettings, Formula, descriptors, reduce_all
from nucleate.metrics.reduction import Reduced
from nucleate.work import Work

FORMAT = 1
SAVE_EVERY = 4096
ARRAYS = ("rows", "offsets", "numbers", "frac", "lattice", "minima", "volume")


class ReferenceIndex:
    """Reference crystals by formula.

    Attributes:
        name: of the data, for reports.
        ids: of the references.
        formulas: rows of each reduced formula.
        systems: chemical systems, as sorted atomic numbers.
        failures: references that can't be reduced, by row, and why.
        notes: sentences for the report, such as that a cache was replaced.
    """

    def __init__(
        self, table: CrystalTable, name: str = "reference", cache: Path | None = None, digest: str = ""
    ):
        if not len(table):
            raise DataError(f"{name} has no crystals to compare with", "give a split that is not empty")
        self.name, self.ids, self.table = name, table.ids, table
        self.formulas: dict[Formula, list[int]] = defaultdict(list)
        for row, formula in enumerate(formulas_of(table)):
            self.formulas[formula].append(row)
        self.systems = {tuple(number for number, _ in formula) for formula in self.formulas}
        self.failures: dict[int, str] = {}
        self.notes: list[str] = []
        self.cache, self.digest = cache, digest
        self._reduced: dict[int, Reduced] = {}
        self._described: dict[tuple[int, ...], np.ndarray] = {}
        if cache is not None and cache.exists():
            self._load(cache)

    @classmethod
    def open(
        cls, dataset: Path | str, split: str = "train", cache: Path | str | None = None
    ) -> ReferenceIndex:
        """A split of a data set, with what an earlier run has reduced.

        cache: the file for reduced cells; by default in `.cache` of the data set, or in the user's cache folder where
        that can't be written to. Raises DataError where the data set or split can't be read.
        """
        opened = Dataset.open(dataset)
        table = opened.split(split)
        digest = str(opened.info["checksums"][f"{split}.parquet"])
        path = Path(cache) if cache is not None else default_cache(opened.path, split, digest)
        return cls(table, f"{opened.path.name}/{split}", path, digest)

    @classmethod
    def build(
        cls, dataset: Path | str, split: str = "train", work: Work = Work()
    ) -> ReferenceIndex:  # fmt: skip
        """`open`, and reduce all references now. Resumes a build that was stopped."""
        index = cls.open(dataset, split, work.cache)
        index.reduce(range(len(index)), EquivalenceSettings(), work)
        return index

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def reductions(self) -> int:
        """How many references are reduced."""
        return len(self._reduced)

    def reduce(
        self,
        rows: Iterable[int],
        settings: EquivalenceSettings,
        work: Work = Work(),
    ) -> dict[int, Reduced]:
        """Reduced cells of these rows; without those that can't be reduced, which are noted in `failures`."""
        rows = list(dict.fromkeys(rows))
        todo = [row for row in rows if row not in self._reduced]
        cells = ((row, self.table.cell(row)) for row in todo)
        fresh = 0
        for row, reduced, failure in reduce_all(cells, len(todo), work.seconds(settings.timeout), work):
            if reduced is None:
                self.failures[row] = failure
                continue
            self.failures.pop(row, None)
            self._reduced[row] = reduced
            fresh += 1
            if fresh % SAVE_EVERY == 0:
                self._save()
        if fresh % SAVE_EVERY:
            self._save()
        return {row: self._reduced[row] for row in rows if row in self._reduced}

    def described(self, rows: list[int], settings: EquivalenceSettings) -> np.ndarray:
        """Descriptors of these reduced rows of one composition, made once. [rows, numbers]"""
        key = (settings.neighbours, *rows)
        if key not in self._described:
            self._described[key] = descriptors([self._reduced[row] for row in rows], settings)
        return self._described[key]

    def _load(self, path: Path) -> None:
        try:
            with np.load(path, allow_pickle=False) as file:
                header = parse_json(str(file["header"]))
                arrays = {name: file[name] for name in ARRAYS}
        except (OSError, ValueError, KeyError, BadZipFile, EOFError):
            self.notes.append(f"The cache {path.name} of reduced references was damaged and is made anew.")
            return
        if header != self._header():
            self.notes.append(
                f"The cache {path.name} of reduced references was made from other data or by other versions "
                "and is made anew."
            )
            return
        numbers, offsets = arrays["numbers"].astype(np.int64), arrays["offsets"].tolist()
        for place, row in enumerate(arrays["rows"].tolist()):
            atoms = slice(offsets[place], offsets[place + 1])
            composition = np.sort(numbers[atoms]).astype(np.int16).tobytes()
            self._reduced[row] = Reduced(
                numbers[atoms], arrays["frac"][atoms], arrays["lattice"][place], composition,
                float(arrays["volume"][place]), arrays["minima"][place],
            )  # fmt: skip

    def _header(self) -> dict[str, object]:
        from importlib.metadata import version

        return {"format": FORMAT, "data": self.digest, "pymatgen": version("pymatgen")}

    def _save(self) -> None:
        """Write the cache in one step, so that a reader never sees an incomplete one."""
        if self.cache is None:
            return
        rows = sorted(self._reduced)
        cells = [self._reduced[row] for row in rows]
        temporary = self.cache.with_name(f"{self.cache.name}.{os.getpid()}.part")
        try:
            self.cache.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                np.savez(
                    file,
                    header=np.array(json.dumps(self._header())),
                    rows=np.array(rows, dtype=np.int64),
                    offsets=np.cumsum([0, *(len(cell.species) for cell in cells)]),
                    numbers=np.concatenate([cell.species for cell in cells]).astype(np.int16),
                    frac=np.concatenate([cell.frac for cell in cells]),
                    lattice=np.stack([cell.lattice for cell in cells]),
                    minima=np.stack([cell.minima for cell in cells]),
                    volume=np.array([cell.volume for cell in cells]),
                )
            temporary.replace(self.cache)
        except OSError as error:
            self.notes.append(
                f"Reduced references could not be kept in {self.cache.name} ({error.strerror})."
            )
            self.cache = None
        finally:
            with suppress(OSError):
                temporary.unlink()


def default_cache(dataset: Path, split: str, digest: str) -> Path:
    """Where the reduced cells of a split are kept."""
    folder = own_cache(dataset)
    return folder / f"reduced-{split}.npz" if folder else user_cache() / f"reduced-{split}-{digest[:16]}.npz"


def formulas_of(table: CrystalTable) -> list[Formula]:
    """Reduced formulas of all crystals of a table, each as `Cell.formula` gives it."""
    rows = np.repeat(np.arange(len(table)), table.sizes)
    keys, counts = np.unique(rows * 256 + table.species, return_counts=True)
    starts = np.searchsorted(keys, np.arange(len(table)) * 256)
    counts = counts // np.repeat(np.gcd.reduceat(counts, starts), np.diff([*starts, len(keys)]))
    parts = list(zip((keys % 256).tolist(), counts.tolist(), strict=True))
    ends = [*starts[1:].tolist(), len(keys)]
    return [tuple(parts[start:end]) for start, end in zip(starts.tolist(), ends, strict=True)]
