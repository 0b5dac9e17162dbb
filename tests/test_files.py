"""A full disk, a file that is half written and JSON that is too deep end in one sentence; what was there is kept."""

import errno
import os

import pytest
import torch
from safetensors import SafetensorError

from nucleate.errors import NucleateError
from nucleate.files import parse_json, save_tensors, write_whole, writing

DEEP = "[" * 100_000


def test_json_that_is_too_deep_is_a_value_error():
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json(DEEP)
    assert parse_json(b'{"a": [1]}') == {"a": [1]}


@pytest.mark.parametrize(
    ("number", "hint"), [(errno.ENOSPC, "free some space"), (errno.EACCES, "may write to")]
)
def test_a_system_error_becomes_a_hint(tmp_path, number, hint):
    with (
        pytest.raises(NucleateError, match=r"a\.txt can't be written") as caught,
        writing(tmp_path / "a.txt"),
    ):
        raise OSError(number, os.strerror(number))
    assert hint in caught.value.hint


@pytest.mark.parametrize("write", [
    lambda path: write_whole(path, "new"), lambda path: save_tensors({"a": torch.ones(3)}, path),
])  # fmt: skip
def test_a_disk_that_is_full_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, write):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "a"
    path.write_text("old")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(NucleateError, match="no space left on the disk"):
        write(path)
    assert [file.name for file in tmp_path.iterdir()] == ["a"]
    assert path.read_text() == "old"


def test_the_full_disk_error_of_safetensors_is_understood(tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(NucleateError, match="no space left on the disk") as caught:
        save_tensors({"a": torch.ones(3)}, tmp_path / "a")
    assert "with --resume" in caught.value.hint
