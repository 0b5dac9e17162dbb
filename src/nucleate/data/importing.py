"""From source files to a data set folder: read, parse in worker processes, write."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.data.parse import CellSettings, Record, parse_all
from nucleate.data.refusals import Refusal, count_kinds
from nucleate.data.sources import read_sources
from nucleate.data.writing import refuse_existing, write_dataset
from nucleate.errors import DataError
from nucleate.settings import MOST_SEED, within
from nucleate.streams import SPLIT
from nucleate.work import Work

SPLITS = ("train", "val", "test")
CHUNK = 200

Outcome = tuple[Cell, dict[str, Any]] | str


@dataclass(frozen=True)
class ImportSettings:
    """How a data set is made.

    Attributes:
        cells: what is done to each cell and what is refused.
        fractions: shares of train, val and test when sources are one pool.
        seed: seed for splitting a pool.
        strict: a refused row is an error.
        overwrite: an existing data set is replaced.
        licence: of the data, for dataset.json.
        note: where the data come from, for dataset.json.
        origin: machine-made facts about a download, for dataset.json.
    """

    cells: CellSettings = field(default_factory=CellSettings)
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1)
    seed: int = 0
    strict: bool = False
    overwrite: bool = False
    licence: str = ""
    note: str = ""
    origin: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        within(self, 0, MOST_SEED, "seed", error=DataError)


def import_pool(
    sources: list[Path], out: Path, settings: ImportSettings, work: Work = Work()
) -> dict[str, Any]:
    """All sources as one pool, split at random by rows. Returns what dataset.json says."""
    refuse_twice({"pool": sources})
    records = read_sources(sources)
    splits = split_rows(len(records), settings.fractions, settings.seed)
    chosen = {name: [records[i] for i in rows] for name, rows in splits.items() if len(rows)}
    return _import(chosen, {"pool": sources}, out, settings, work)


def import_splits(
    sources: dict[str, list[Path]], out: Path, settings: ImportSettings, work: Work = Work()
) -> dict[str, Any]:
    """Each split from its own sources. Returns what dataset.json says."""
    refuse_twice(sources)
    records = {name: read_sources(paths) for name, paths in sources.items()}
    return _import(records, sources, out, settings, work)


def refuse_twice(sources: dict[str, list[Path]]) -> None:
    """Raise DataError where a file is given twice, or inside a folder that is given too: a model would be judged on
    what it was trained on."""
    seen: dict[Path, tuple[str, Path]] = {}
    for name, paths in sources.items():
        for path in paths:
            whole = path.resolve()
            for other, (before, given) in seen.items():
                if whole == other or whole in other.parents or other in whole.parents:
                    where = f"{before} and {name}" if before != name else f"{name} twice"
                    same = f"{path}" if whole == other else f"{given} and {path}, one inside the other,"
                    raise DataError(
                        f"{same} stand for {where}" if whole != other else f"{same} stands for {where}",
                        "give every file once; one pool is split with 'nucleate data import SOURCE... --out DIR'",
                    )
            seen[whole] = (name, path)


def split_rows(count: int, fractions: tuple[float, float, float], seed: int) -> dict[str, np.ndarray]:
    """Row numbers of train, val and test, each in the source's order. Raises DataError on wrong fractions."""
    if len(fractions) != 3 or not min(fractions) >= 0 or not abs(sum(fractions) - 1) < 1e-6:
        raise DataError(
            f"split {','.join(f'{x:g}' for x in fractions)} is not three shares that add to 1",
            "write for example --split 0.8,0.1,0.1",
        )
    bounds = np.rint(np.cumsum(fractions)[:2] * count).astype(int)
    parts = np.split(SPLIT.generator(seed).permutation(count), bounds)
    return {name: np.sort(part) for name, part in zip(SPLITS, parts, strict=True)}


def _import(
    records: dict[str, list[Record]],
    sources: dict[str, list[Path]],
    out: Path,
    settings: ImportSettings,
    work: Work,
) -> dict[str, Any]:
    refuse_existing(out, settings.overwrite)
    flat = [record for part in records.values() for record in part]
    outcomes = _parse(flat, settings, work)
    results = {name: [(record, next(outcomes)) for record in part] for name, part in records.items()}
    rejected = [
        Refusal(name, record.row, record.id, outcome)
        for name, part in results.items()
        for record, outcome in part
        if isinstance(outcome, str)
    ]
    if rejected and settings.strict:
        name, row, crystal, reason = rejected[0]
        first = f"{name} row {row} ({crystal}): {reason}"
        raise DataError(
            f"{len(rejected)} of {len(flat)} rows are refused; the first is {first}",
            "without --strict they are left out and listed in rejected.csv",
        )
    good = {name: [(r.id, *o) for r, o in part if not isinstance(o, str)] for name, part in results.items()}
    if not any(good.values()):
        raise DataError(
            f"all {len(flat)} rows are refused; the first: {rejected[0][3]}", "is it the right file?"
        )
    return _write(good, rejected, sources, out, settings)


def _parse(records: list[Record], settings: ImportSettings, work: Work) -> Iterator[Outcome]:
    chunks = [records[start : start + CHUNK] for start in range(0, len(records), CHUNK)]
    done = 0
    for outcomes in _map(chunks, settings.cells, work):
        done += len(outcomes)
        work.tell("crystals", done, len(records))
        yield from outcomes


def _map(chunks: list[list[Record]], cells: CellSettings, work: Work) -> Iterator[list[Outcome]]:
    if len(chunks) <= 2:
        work = Work()
    try:
        with work.pool() as pool:
            if pool is None:
                yield from (parse_all(chunk, cells) for chunk in chunks)
                return
            waiting = deque()
            for chunk in chunks:
                waiting.append(pool.submit(parse_all, chunk, cells))
                if len(waiting) > 4 * work.width:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
    except BrokenExecutor as error:
        raise DataError("a worker process died, perhaps out of memory", "try --workers 1") from error


def _write(
    good: dict[str, list[tuple[str, Cell, dict[str, Any]]]],
    rejected: list[Refusal],
    sources: dict[str, list[Path]],
    out: Path,
    settings: ImportSettings,
) -> dict[str, Any]:
    from nucleate.data.columns import make_tables

    counts = {name: count_kinds(rejected, name) for name in good}
    return write_dataset(make_tables(good), out, {**_info(sources, settings), "rejected": counts}, rejected)


def _info(sources: dict[str, list[Path]], settings: ImportSettings) -> dict[str, Any]:
    from nucleate.data.dataset import sha256

    files = {
        name: [{"name": path.name, "sha256": sha256(path) if path.is_file() else None} for path in paths]
        for name, paths in sources.items()
    }
    return {
        "source": {"note": settings.note, "files": files, **settings.origin},
        "licence": settings.licence,
        "settings": {
            **asdict(settings.cells),
            **({"split": list(settings.fractions), "seed": settings.seed} if "pool" in sources else {}),
        },
    }
