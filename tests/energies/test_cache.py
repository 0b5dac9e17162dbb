"""The cache: keys see everything that matters, values come back, a file that is none is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nucleate.cell import Cell
from nucleate.energies.cache import ResultCache, key_of
from nucleate.errors import DataError

CELL = Cell(np.array([11, 17]), np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]), 4.0 * np.eye(3))


def test_a_key_depends_on_every_part() -> None:
    others = [
        key_of("point", CELL, "a"),
        key_of("relax", CELL, "b"),
        key_of("relax", CELL, "a", "c"),
        key_of("relax", CELL._replace(species=np.array([17, 11])), "a"),
        key_of("relax", CELL._replace(frac=CELL.frac + 1e-9), "a"),
        key_of("relax", CELL._replace(lattice=CELL.lattice * (1 + 1e-12)), "a"),
    ]
    assert key_of("relax", CELL, "a") not in others
    assert len(set(others)) == len(others)


def test_a_key_does_not_depend_on_how_numbers_are_held() -> None:
    same = Cell(CELL.species.astype(np.uint8), np.asfortranarray(CELL.frac), CELL.lattice[:, ::1])
    assert key_of("relax", CELL, "a") == key_of("relax", same, "a")


def test_values_come_back_exactly(tmp_path: Path) -> None:
    path = tmp_path / "new" / "cache.sqlite"
    values = {f"k{i}": {"energy": -1 / (i + 1), "cell": None} for i in range(1100)}
    cache = ResultCache(path)
    for key, value in values.items():
        cache.put(key, value)
    assert ResultCache(path).get([*values, "unknown"]) == values
    assert len(cache) == len(values)


def test_without_a_path_it_lives_in_memory() -> None:
    cache = ResultCache(None)
    cache.put("a", [1.5])
    assert cache.get(["a"]) == {"a": [1.5]}
    assert not ResultCache(None).get(["a"])


def test_a_file_that_is_no_cache_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("no database, but long enough to be taken for one" * 50)
    with pytest.raises(DataError, match="can't be used as a cache"):
        ResultCache(path)
