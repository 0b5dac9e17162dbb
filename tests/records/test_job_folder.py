"""The folder of a job: it belongs to one job, goes on where it was cut, and is shared by shards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nucleate.data.extxyz import frame_text
from nucleate.errors import ModelError
from nucleate.records.job_folder import JobFolder, Shard, is_job


def frame(key: str) -> tuple[str, str]:
    return key, frame_text(np.array([29]), np.zeros((1, 3)), 3.6 * np.eye(3), {"key": key})


def test_a_job_resumes_where_it_was_cut(tmp_path: Path) -> None:
    first = JobFolder(tmp_path / "new", {"seed": 0})
    first.append([frame("a"), frame("b")])
    whole = first.path.read_text()
    first.path.write_text(whole + frame("c")[1][:-5])
    again = JobFolder(tmp_path / "new", {"seed": 0})
    assert again.done == {"a", "b"}
    assert again.path.read_text() == whole
    again.append([frame("b"), frame("c")])
    assert again.path.read_text() == whole + frame("c")[1]
    assert JobFolder(tmp_path / "new", {"seed": 0}).done == {"a", "b", "c"}


def test_shards_see_the_work_of_others(tmp_path: Path) -> None:
    one, two = (JobFolder(tmp_path, {}, Shard(index, 2), "generated") for index in range(2))
    assert (one.path.name, two.path.name) == ("generated.0-of-2.extxyz", "generated.1-of-2.extxyz")
    one.append([frame("a")])
    assert two.done == set()
    assert JobFolder(tmp_path, {}, Shard(1, 2), "generated").done == {"a"}
    assert Shard(1, 2).of("abcde") == ["b", "d"]


@pytest.mark.parametrize(("asked", "what"), [({"seed": 1}, "seed"), ({}, "seed"), ({"seed": 0, "x": 1}, "x")])
def test_a_folder_of_another_job_is_refused(tmp_path: Path, asked: dict[str, Any], what: str) -> None:
    JobFolder(tmp_path, {"seed": 0})
    with pytest.raises(ModelError, match=f"holds crystals made with other {what}"):
        JobFolder(tmp_path, asked)


def test_a_record_of_an_earlier_version_is_compared_by_meaning(tmp_path: Path) -> None:
    JobFolder(tmp_path, {"seed": 0})

    def identity(record: dict[str, Any]) -> dict[str, Any]:
        return {"x": 1} | record

    JobFolder(tmp_path, {"seed": 0, "x": 1}, identity=identity)
    with pytest.raises(ModelError, match="other x"):
        JobFolder(tmp_path, {"seed": 0, "x": 2}, identity=identity)
    assert json.loads((tmp_path / "job.json").read_text()) == {"seed": 0}


def test_a_file_that_is_no_job_is_refused(tmp_path: Path) -> None:
    assert not is_job(tmp_path)
    JobFolder(tmp_path, {})
    assert is_job(tmp_path)
    (tmp_path / "job.json").write_text("[1")
    with pytest.raises(ModelError, match=r"job\.json is not readable"):
        JobFolder(tmp_path, {})
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="can't be made"):
        JobFolder(tmp_path / "file" / "new", {})
