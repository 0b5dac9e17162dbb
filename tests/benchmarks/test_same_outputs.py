"""Two recorded folders: what counts as a difference, and what does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from benchmarks.output_differences import checksum, differences
from safetensors.torch import save_file


def folder(root: Path, **files: str) -> Path:
    root.mkdir()
    for name, text in files.items():
        (root / name.replace("_", ".")).write_text(text)
    return root


def found(tmp_path: Path, one: dict[str, str], other: dict[str, str]) -> list[str]:
    return list(differences(folder(tmp_path / "one", **one), folder(tmp_path / "other", **other)))


def test_times_are_not_compared(tmp_path):
    before = {
        "a_json": '{"x": [{"y": 1, "seconds": 2}]}',
        "a_jsonl": '{"z": 1, "seconds": 3}\n',
        "b_csv": "n,seconds\n1,2\n",
    }
    after = {
        "a_json": '{"x": [{"y": 1, "seconds": 9}]}',
        "a_jsonl": '{"z": 1, "seconds": 4}\n',
        "b_csv": "n,seconds\n1,7\n",
    }
    assert found(tmp_path, before, after) == []


@pytest.mark.parametrize(
    ("name", "before", "after", "word"),
    [
        ("a_json", '{"x": [1, {"y": 0.1}]}', '{"x": [1, {"y": 0.10000000000000002}]}', ".x[1].y"),
        ("a_json", '{"x": 1}', '{"x": 1, "y": 2}', ".y is only in the second"),
        ("a_jsonl", '{"z": 1}\n', '{"z": 1}\n{"z": 2}\n', "'z': 2"),
        ("b_csv", "n\n1\n", "n\n2\n", "[0].n '1' and '2'"),
        ("c_txt", "one\ntwo\n", "one\nthree\n", r"[1] 'two\n' and 'three\n'"),
        ("c_txt", "one\n", "one", r"'one\n' and 'one'"),
    ],
)
def test_a_changed_file_is_a_difference(tmp_path, name, before, after, word):
    (line,) = found(tmp_path, {name: before}, {name: after})
    assert line.startswith(name.replace("_", "."))
    assert word in line


def test_a_missing_file_is_a_difference(tmp_path):
    lines = found(tmp_path, {"a_json": "{}"}, {"b_json": "{}"})
    assert [line.split(":")[0] for line in lines] == ["a.json", "b.json"]


def test_weights_are_compared_only_by_their_tensors(tmp_path):
    tensor = torch.arange(3.0)
    sums = []
    for number, (value, note) in enumerate([(tensor, "a"), (tensor, "b"), (tensor + 1e-7, "a")]):
        path = tmp_path / f"{number}.safetensors"
        save_file({"w": value}, path, metadata={"note": json.dumps(note)})
        sums.append(checksum(path))
    assert sums[0] == sums[1] != sums[2]
