"""Samples to judge, from any source, each with a fixed name and, if unreadable, the reason."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucleate.cell import Cell
from nucleate.data.dataset import Dataset
from nucleate.data.sources import ARCHIVES, read_source
from nucleate.data.table import CrystalTable, read_table
from nucleate.errors import DataError, StructureError
from nucleate.metrics.dng.quantities import digest
from nucleate.metrics.reading import Found, read_record, read_structures
from nucleate.records.crystal_files import RUNS, crystal_name, prediction_files

if TYPE_CHECKING:
    from pymatgen.core import Structure

KINDS = (
    "a run of nucleate, CIF, extended XYZ, POSCAR, a folder, zip or tar of them, pymatgen JSON, or a data set"
)
OTHER_SOURCES = (".csv", ".csv.gz", ".db", ".json", ".json.gz")


@dataclass(frozen=True)
class Samples:
    """What is to be judged.

    Attributes:
        ids: a unique name for each sample: that of its file, row or structure.
        cells: the crystals, None where one can't be read.
        problems: the reason if it can't be read, else "".
        source: where they come from: kind, path, how many there were, and how many were chosen or repeated.
        hashes: of a run of nucleate the `key` of each frame, "" where there is none; empty for other sources.
    """

    ids: list[str]
    cells: list[Cell | None]
    problems: list[str]
    source: dict[str, Any] = field(default_factory=dict)
    hashes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def of(cls, crystals: Iterable[Structure | Cell | None], ids: Sequence[str] | None = None) -> Samples:
        """From crystals in memory; a partly occupied structure and None count as unreadable."""
        cells, problems = [], []
        for crystal in crystals:
            cell, problem = _cell_of(crystal)
            cells.append(cell)
            problems.append(problem)
        return _checked(list(ids or map(str, range(len(cells)))), cells, problems, {"kind": "memory"})

    def keys(self) -> list[str]:
        """A key for each sample that depends only on its content; a count distinguishes equal crystals."""
        seen: Counter[str] = Counter()
        keys = []
        for cell, problem in zip(self.cells, self.problems, strict=True):
            content = digest(cell) if cell is not None else f"~{problem}"
            keys.append(f"{content}-{seen[content]:06d}")
            seen[content] += 1
        return keys

    def limit(self, count: int | None, seed: int) -> Samples:
        """At most `count` samples, drawn by content and seed, independent of their order."""
        if count is None or count >= len(self):
            return self
        draws = [hashlib.sha256(f"{seed} {key}".encode()).digest() for key in self.keys()]
        chosen = sorted(sorted(range(len(self)), key=draws.__getitem__)[:count])
        source = {**self.source, "limit": count, "limit_seed": seed, "of": len(self)}
        return replace(self.select(chosen), source=source)

    def select(self, indices: Sequence[int]) -> Samples:
        """The samples at these places, in this order."""
        return Samples(
            [self.ids[i] for i in indices],
            [self.cells[i] for i in indices],
            [self.problems[i] for i in indices],
            self.source,
            [self.hashes[i] for i in indices] if self.hashes else [],
        )


def read_samples(path: Path, split: str = "", limit: int | None = None, seed: int = 0) -> Samples:
    """Read samples from any source.

    Args:
        path: a folder or file of `nucleate predict` or `nucleate generate` (a crystal that was drawn twice counts
            once), a file, folder, zip or tar of CIF, extended XYZ or POSCAR, pymatgen JSON, CSV with CIF, an ASE
            database, one split of a data set as parquet, or a data set folder.
        split: of a data set folder.
        limit: judge at most this many, drawn at random.
        seed: seed of that draw.

    Raises DataError for a path that is missing, empty, of an unknown kind or cut.
    """
    if not path.exists():
        raise DataError(f"no file or folder {path}", f"give {KINDS}")
    if limit is not None and limit < 1:
        raise DataError(f"--limit must be at least 1; got {limit}", "leave it out to judge all")
    if (path / "dataset.json").is_file():
        samples = _from_dataset(path, split)
    elif split:
        raise DataError(f"{path} is not a data set, so it has no split '{split}'", "leave --sample-split out")
    elif path.suffix == ".parquet":
        samples = _from_table(read_table(path), {"kind": "table"})
    elif path.is_file() and path.name.lower().endswith(OTHER_SOURCES):
        samples = _from_records(path)
    else:
        samples = _from_structures(path)
    samples = replace(samples, source={"path": str(path), "found": len(samples), **samples.source})
    return samples.limit(limit, seed)


def _from_dataset(path: Path, split: str) -> Samples:
    dataset = Dataset.open(path)
    if not split:
        raise DataError(
            f"{path} is a data set of several splits",
            f"choose with --sample-split: {', '.join(dataset.splits)}",
        )
    return _from_table(dataset.split(split), {"kind": "data set", "split": split})


def _from_table(table: CrystalTable, source: dict[str, Any]) -> Samples:
    return _checked(list(table.ids), [*table.cells()], [""] * len(table), source)


def _from_records(path: Path) -> Samples:
    records = read_source(path)
    cells, problems = zip(*(read_record(record) for record in records), strict=True)
    ids = [record.id for record in records]
    return _checked(ids, list(cells), list(problems), {"kind": path.suffix.removeprefix(".")})


def _from_structures(path: Path) -> Samples:
    known = (".cif", ".xyz", ".extxyz", ".vasp", ".poscar", *ARCHIVES)
    if path.is_file() and not path.name.lower().endswith(known) and "CAR" not in path.name.upper():
        raise DataError(f"{path} is of an unknown kind", f"give {KINDS}")
    found, repeated = read_structures(path, RUNS)
    run = bool(prediction_files(path, RUNS))
    ids = [_name(one, run) for one in found]
    cells, problems = [one.cell for one in found], [one.problem for one in found]
    samples = _checked(ids, cells, problems, {"kind": "run" if run else "files", "repeated": repeated})
    return replace(samples, hashes=[one.info.get("key", "") for one in found]) if run else samples


def _name(one: Found, run: bool) -> str:
    """The name used elsewhere: by a run's tables and CIF files, by its header, else by its file."""
    info = one.info
    if run and (name := crystal_name(info, one.stem)):
        return name
    if info.get("material_id"):
        return f"{info['material_id']}/{info['sample']}" if "sample" in info else info["material_id"]
    if own := next((info[key] for key in ("name", "id", "key") if info.get(key)), ""):
        return own
    if one.number is None:
        return re.sub(r"(?i)\.(cif|vasp|poscar)$", "", one.name)
    return f"{one.stem}#{one.number}"


def _checked(
    ids: list[str], cells: list[Cell | None], problems: list[str], source: dict[str, Any]
) -> Samples:
    """Number the second and later samples of one name; no name is lost."""
    taken, seen, names = set(ids), Counter(), []
    for name in ids:
        seen[name] += 1
        number = seen[name]
        unique = name
        while number > 1 and unique in taken:
            unique = f"{name} ({number})"
            number += 1
        taken.add(unique)
        names.append(unique)
    return Samples(names, cells, problems, source)


def _cell_of(crystal: Structure | Cell | None) -> tuple[Cell | None, str]:
    if crystal is None:
        return None, "not given"
    try:
        cell = crystal if isinstance(crystal, Cell) else Cell.of(crystal)
    except StructureError as error:
        return None, error.message
    return (cell, "") if len(cell.species) else (None, "no atoms")
