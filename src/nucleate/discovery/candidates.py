"""Crystals to relax, from any files, folders and runs, and the record (relax.json) of the folder of results."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.elements import SYMBOLS
from nucleate.energies.relaxed import RelaxSettings
from nucleate.errors import DataError
from nucleate.files import parse_json, write_whole
from nucleate.identity import differing
from nucleate.metrics.dng.quantities import digest


@dataclass(frozen=True)
class Candidate:
    """A crystal to relax.

    Attributes:
        name: unique among the candidates.
        cell: None where it can't be read.
        problem: the reason if there is no cell.
        origin: one line on where it comes from.
    """

    name: str
    cell: Cell | None
    problem: str = ""
    origin: str = ""


def read_candidates(paths: Sequence[Path], split: str = "") -> list[Candidate]:
    """Every crystal of some sources (see `metrics.dng.samples.read_samples`); those unreadable carry the reason.

    split: of data set folders among them. Raises DataError for a missing path, and for an unreadable one if it is the
    only one; among several it becomes one unreadable crystal.
    """
    from nucleate.metrics.dng.samples import read_samples  # knows data sets, and so torch

    missing = [path for path in paths if not path.exists()]
    if missing or not paths:
        raise DataError(
            f"no file or folder {missing[0] if missing else ''}".strip(), "give files or folders of crystals"
        )
    found: list[Candidate] = []
    for path in paths:
        try:
            samples = read_samples(path, split if (path / "dataset.json").is_file() else "")
        except DataError as error:
            if len(paths) == 1:
                raise
            found.append(Candidate(path.name, None, error.message))
            continue
        parts = zip(samples.ids, samples.cells, samples.problems, strict=True)
        found += [Candidate(name, cell, problem) for name, cell, problem in parts]
    return _told_apart(found)


def _told_apart(candidates: list[Candidate]) -> list[Candidate]:
    """Number the second and later crystals of one name."""
    taken, seen, out = {one.name for one in candidates}, Counter(), []
    for one in candidates:
        seen[one.name] += 1
        name, number = one.name, seen[one.name]
        while number > 1 and name in taken:
            name, number = f"{one.name} ({number})", number + 1
        taken.add(name)
        out.append(replace(one, name=name))
    return out


def file_names(candidates: Sequence[Candidate]) -> list[str]:
    """A file name for each crystal, valid on any file system and unique without regard to case."""
    names, taken = [], set()
    for one in candidates:
        plain = re.sub(r"[^\w.+()#-]", "_", one.name).lstrip(".")[:200] or "_"
        name, number = plain, 2
        while name.lower() in taken:
            name, number = f"{plain}-{number}", number + 1
        taken.add(name.lower())
        names.append(name)
    return names


def formula_of(cell: Cell) -> str:
    """Formula of the cell, elements in order of first appearance."""
    numbers, first, counts = np.unique(cell.species, return_index=True, return_counts=True)
    order = np.argsort(first)
    return "".join(f"{SYMBOLS[numbers[i]]}{counts[i] if counts[i] > 1 else ''}" for i in order)


def contents(candidates: Sequence[Candidate]) -> dict[str, str]:
    """A hash of each crystal by its name."""
    return {one.name: "" if one.cell is None else digest(one.cell) for one in candidates}


def claim(folder: Path, asked: dict[str, Any], crystals: dict[str, str]) -> None:
    """Write relax.json, or compare with the existing one; crystals may be added.

    Args:
        asked: what the results depend on.
        crystals: `contents`, empty for a folder whose crystals may change.

    Raises DataError where they differ.
    """
    record = folder / "relax.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        before = parse_json(record.read_text()) if record.exists() else {}
    except OSError as error:
        raise DataError(f"{folder} can't be used ({error.strerror})", "name another --out") from None
    except ValueError:
        raise DataError(f"{record} is not readable", "delete it, or name another --out") from None
    old = before.pop("crystals", {})
    usual = asdict(RelaxSettings())
    was, now = usual | before, usual | asked
    changed = differing(was, now) if before else []
    if changed:
        how = ", ".join(f"{key} {was.get(key)}, now {now.get(key)}" for key in changed)
        raise DataError(
            f"{folder} holds crystals relaxed with other settings ({how})",
            "name another --out, or repeat the first command to resume it",
        )
    # an unreadable file may have been repaired since
    lost = sorted(
        name for name in old if crystals and crystals.get(name) != (old[name] or crystals.get(name))
    )
    if lost:
        raise DataError(
            f"{folder} holds {len(lost)} crystals that are missing here or have changed; the first: {lost[0]}",
            "name another --out; crystals may only be added",
        )
    write_whole(record, json.dumps({**asked, "crystals": crystals}, indent=1) + "\n")
