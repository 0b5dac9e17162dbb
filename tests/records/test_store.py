"""The store: values come back exactly, namespaces are apart, files of earlier versions are read, others refused."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nucleate.errors import DataError
from nucleate.records.store import Store


def test_values_come_back_exactly(tmp_path: Path) -> None:
    path = tmp_path / "new" / "cache.sqlite"
    values = {f"k{i}": {"energy": -1 / (i + 1), "cell": None} for i in range(1100)}
    store = Store(path, "a")
    for key, value in values.items():
        store.put(key, value)
    assert Store(path, "a").get([*values, "unknown"]) == values
    assert len(store) == len(values)


def test_namespaces_are_separate(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    with Store(path, "a") as one, Store(path, "b") as other:
        one.put("key", 1)
        assert other.get(["key"]) == {}
        other.put("key", 2)
        assert (one.get(["key"]), other.get(["key"])) == ({"key": 1}, {"key": 2})
        one.put("key", 3)
        assert (len(one), len(other)) == (1, 1)
    assert Store(path, "a").get(["key"]) == {"key": 3}


def test_without_a_path_it_lives_in_memory() -> None:
    store = Store(None, "a")
    store.put("a", [1.5])
    assert store.get(["a"]) == {"a": [1.5]}
    assert not Store(None, "a").get(["a"])


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("no database, but long enough to be taken for one" * 50)
    with pytest.raises(DataError, match="can't be used as a cache"):
        Store(path, "a")
    assert path.read_text().startswith("no database")


def begun_before(path: Path) -> np.ndarray:
    """Both tables as earlier versions made them, each of the first with a key that the other has too."""
    values = np.random.default_rng(1).random(61)
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE results (key TEXT PRIMARY KEY, value TEXT)")
    database.executemany(
        "INSERT INTO results VALUES (?, ?)", [("k1", json.dumps({"energy": -1 / 3})), ("k2", "[2]")]
    )
    database.execute(
        "CREATE TABLE entries (recipe TEXT, name TEXT, array BLOB, failure TEXT, seconds REAL, "
        "PRIMARY KEY (recipe, name)) WITHOUT ROWID"
    )
    rows = [
        ("r", "n1", values.tobytes(), "", 60.0),
        ("r", "n2", None, "timed_out", 5.0),
        ("q", "n3", None, "failed", 1.0),
    ]
    database.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", rows)
    database.commit()
    database.close()
    return values


def test_files_older_than_namespaces_are_read(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    values = begun_before(path)
    with Store(path, "r") as store:
        found = store.get(["k1", "k2", "n1", "n2", "n3", "unknown"])
        assert len(store) == 4
    assert found == {
        "k1": {"energy": -1 / 3},
        "k2": [2],
        "n1": {"values": values.tolist(), "failure": "", "seconds": 60.0},
        "n2": {"values": None, "failure": "timed_out", "seconds": 5.0},
    }


def test_new_values_win_and_leave_old_files_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    begun_before(path)
    with Store(path, "r") as store:
        store.put("k1", "new")
        store.put("n2", "new")
        assert store.get(["k1", "k2", "n2"]) == {"k1": "new", "k2": [2], "n2": "new"}
        assert len(store) == 4
    database = sqlite3.connect(path)
    assert database.execute("SELECT value FROM results WHERE key = 'k1'").fetchone() == (
        '{"energy": -0.3333333333333333}',
    )
    assert database.execute("SELECT count(*) FROM entries").fetchone() == (3,)
    database.close()


WRITER = """
import sys
from pathlib import Path
from nucleate.records.store import Store
store = Store(Path(sys.argv[1]), "a")
for i in range(200):
    store.put(f"{sys.argv[2]}-{i}", i)
import os
os._exit(9)
"""


def test_processes_write_one_file_and_a_sudden_end_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    calls = [[sys.executable, "-c", WRITER, str(path), name] for name in "pq"]
    running = [subprocess.Popen(call) for call in calls]
    assert [one.wait(60) for one in running] == [9, 9]
    assert len(Store(path, "a")) == 400
