"""Differences between two folders of outputs, except what depends on the clock or an installed version."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VOLATILE = frozenset(
    {
        "seconds", "crystals_per_second", "minutes", "hours", "hardware", "date", "created", "made_with", "versions",
        "nucleate", "pymatgen", "pymatgen-core", "numpy", "torch", "python", "platform",
    }
)  # fmt: skip
"""Keys of JSON and columns of CSV that are not compared."""

CHUNK = 1 << 20


def checksum(path: Path) -> str:
    """Checksum of the tensors and their names in a safetensors file, whatever else its header holds."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        header.pop("__metadata__", None)
        digest.update(json.dumps(header, sort_keys=True).encode())
        while part := file.read(CHUNK):
            digest.update(part)
    return digest.hexdigest()


def content(path: Path) -> Any:
    """The part of a file that is compared."""
    if path.suffix == ".json":
        return steady(json.loads(path.read_text()))
    if path.suffix == ".jsonl":
        return [steady(json.loads(line)) for line in path.read_text().splitlines()]
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return steady(list(csv.DictReader(file)))
    return path.read_bytes()


def steady(value: Any) -> Any:
    """JSON without its volatile fields."""
    if isinstance(value, dict):
        return {key: steady(one) for key, one in value.items() if key not in VOLATILE}
    return [steady(one) for one in value] if isinstance(value, list) else value


def differences(before: Path, after: Path) -> Iterator[str]:
    """One line for each file that only one folder has or that differs."""
    old, new = ({p.relative_to(f) for p in f.rglob("*") if p.is_file()} for f in (before, after))
    yield from (f"{path}: only in {before}" for path in sorted(old - new))
    yield from (f"{path}: only in {after}" for path in sorted(new - old))
    for path in sorted(old & new):
        one, other = content(before / path), content(after / path)
        if one != other:
            yield f"{path}: {first_difference(one, other)}"


def first_difference(one: Any, other: Any, place: str = "") -> str:
    """Where two values first differ, and how."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            if key not in one or key not in other:
                return f"{place}.{key} is only in the {'first' if key in one else 'second'}"
            if one[key] != other[key]:
                return first_difference(one[key], other[key], f"{place}.{key}")
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        number = next(i for i, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1])
        return first_difference(one[number], other[number], f"{place}[{number}]")
    if isinstance(one, bytes) and isinstance(other, bytes):
        return first_difference(
            *(part.decode(errors="replace").splitlines(keepends=True) for part in (one, other))
        )
    return f"{place} {str(one)[:80]!r} and {str(other)[:80]!r}".strip()
