"""Data sets made from data sets: rows chosen by conditions or at random, several sets as one.

dataset.json of the new set says of which sets (with their checksums, sources and licences) and by what it was made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.data.choosing import Choice
from nucleate.data.dataset import Dataset
from nucleate.data.importing import SPLITS
from nucleate.data.merging import concatenate
from nucleate.data.table import CrystalTable
from nucleate.data.writing import refuse_existing, write_dataset
from nucleate.errors import DataError
from nucleate.streams import SUBSET

DUPLICATES = ("error", "first", "rename")


def filter_dataset(dataset: Dataset, out: Path, choice: Choice) -> dict[str, Any]:
    """The rows of every split that meet all conditions, in a new data set. Returns what its dataset.json says."""
    _refuse_existing(out)
    tables = {name: dataset.split(name) for name in dataset.splits}
    choice.check(tables.values())
    rows = {name: np.flatnonzero(choice.holds(table)) for name, table in tables.items()}
    if not any(map(len, rows.values())):
        total = sum(map(len, tables.values()))
        raise DataError(
            f"none of the {total} rows of {dataset.path} meets all conditions",
            "use fewer or weaker conditions",
        )
    return _write_rows(dataset, tables, rows, out, {"by": "filter", "conditions": choice.words()})


def sample_dataset(dataset: Dataset, out: Path, count: int, seed: int, each: bool) -> dict[str, Any]:
    """`count` random rows of the whole set, or with `each` of every split; each stays in its split and in its order.

    Raises DataError where there are fewer.
    """
    _refuse_existing(out)
    tables = {name: dataset.split(name) for name in dataset.splits}
    random = SUBSET.generator(seed)
    rows = {}
    if each:
        for name, table in tables.items():
            rows[name] = np.sort(_draw(len(table), count, random, f"split '{name}' of {dataset.path}"))
    else:
        bounds = np.cumsum([0, *map(len, tables.values())])
        drawn = np.sort(_draw(int(bounds[-1]), count, random, str(dataset.path)))
        for i, name in enumerate(tables):
            rows[name] = drawn[(drawn >= bounds[i]) & (drawn < bounds[i + 1])] - bounds[i]
    made = {"by": "sample", "count": count, "seed": seed, "of each split": each}
    return _write_rows(dataset, tables, rows, out, made)


def _refuse_existing(out: Path) -> None:
    if out.exists():
        raise DataError(f"{out} exists", "choose another --out, or move it away")
    refuse_existing(out, overwrite=False)


def _draw(total: int, count: int, random: np.random.Generator, what: str) -> np.ndarray:
    if not 1 <= count <= total:
        raise DataError(f"{count} rows can't be drawn from the {total} of {what}", f"ask for 1 to {total}")
    return random.permutation(total)[:count]


def _write_rows(
    dataset: Dataset,
    tables: dict[str, CrystalTable],
    rows: dict[str, np.ndarray],
    out: Path,
    made: dict[str, Any],
) -> dict[str, Any]:
    chosen = {name: tables[name].select(one) for name, one in rows.items() if len(one)}
    left_out = {name: len(table) - len(rows[name]) for name, table in tables.items()}
    return write_dataset(chosen, out, _info([dataset], list(chosen), {**made, "left_out": left_out}))


def merge_datasets(datasets: Sequence[Dataset], out: Path, duplicates: str = "error") -> dict[str, Any]:
    """Several data sets as one: splits of one name together, columns united (NaN or "" where a set has none).

    Args:
        datasets: in the order of their rows.
        out: the new folder.
        duplicates: treatment of an id that occurs twice, in any splits: "error"; "first" leaves later rows out;
            "rename" calls them ID@SET.

    Raises DataError for a duplicate id with "error", and where cells were treated differently at the import.
    """
    _refuse_existing(out)
    if duplicates not in DUPLICATES:
        raise DataError(f"duplicates can't be treated by '{duplicates}'", f"choose {', '.join(DUPLICATES)}")
    if len({bool(one.info.get("settings", {}).get("reduce")) for one in datasets}) > 1:
        raise DataError(
            "some of these data sets hold primitive, Niggli-reduced cells and others the cells as given",
            "import them again, all with or all without --keep-cell",
        )
    parts, dropped = _unique_parts(datasets, duplicates)
    tables = {name: concatenate(found) for name, found in parts.items() if found}
    made = {"by": "merge", "duplicates": duplicates, "left_out": dict(dropped)}
    return write_dataset(tables, out, _info(datasets, list(tables), made))


def _unique_parts(
    datasets: Sequence[Dataset], duplicates: str
) -> tuple[dict[str, list[CrystalTable]], Counter[str]]:
    """Tables of each split, no id twice, and how many rows were left out of each."""
    names = [*SPLITS, *(name for one in datasets for name in one.splits if name not in SPLITS)]
    parts: dict[str, list[CrystalTable]] = {name: [] for name in names}
    seen: dict[str, str] = {}
    dropped: Counter[str] = Counter()
    for dataset in datasets:
        for split in sorted(dataset.splits, key=names.index):
            table, keep, ids = dataset.split(split), [], []
            for row, name in enumerate(table.ids):
                if name in seen and duplicates == "error":
                    raise DataError(
                        f"id '{name}' is in {seen[name]} and in {split} of {dataset.path}",
                        "keep the first of each with --duplicates first, or all with --duplicates rename",
                    )
                if name in seen and duplicates == "first":
                    dropped[split] += 1
                    continue
                keep.append(row)
                ids.append(_free_name(name, dataset.path.resolve().name, seen))
                seen[ids[-1]] = f"{split} of {dataset.path}"
            if keep:
                parts[split].append(replace(table.select(keep), ids=ids))
    return parts, dropped


def _free_name(name: str, folder: str, taken: dict[str, str]) -> str:
    if name not in taken:
        return name
    name = f"{name}@{folder}"
    free = name
    number = 2
    while free in taken:
        free = f"{name}-{number}"
        number += 1
    return free


def _info(datasets: Sequence[Dataset], splits: Sequence[str], made: dict[str, Any]) -> dict[str, Any]:
    parents = [
        {
            "name": one.path.resolve().name,
            **{key: one.info.get(key) for key in ("checksums", "source", "licence", "settings")},
        }
        for one in datasets
    ]
    notes = [f"{made['by']} of " + ", ".join(parent["name"] for parent in parents)]
    notes += [one["source"]["note"] for one in parents if (one["source"] or {}).get("note")]
    licences = dict.fromkeys(str(one["licence"]) for one in parents if one["licence"])
    return {
        "source": {"note": "; ".join(dict.fromkeys(notes)), "files": {}, "made": made, "from": parents},
        "licence": "; ".join(licences),
        "settings": datasets[0].info.get("settings", {"reduce": False}),
        "rejected": {name: {} for name in splits},
    }
