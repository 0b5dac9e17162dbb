"""What is found: each kind by its files, nothing through links that lead out, new things when they come."""

from pathlib import Path

import pytest

from nucleate.errors import DataError
from nucleate.web import library
from nucleate.web.library import Library
from tests.web.folders import answers, data_set


def kinds(folder: Path) -> dict[str, str]:
    return {entry.name: entry.kind for entry in Library([folder]).entries()}


def test_each_kind_is_known_by_its_files(tmp_path):
    data_set(tmp_path / "salts")
    answers(tmp_path / "answers")
    for name, file, text in (
        ("run", "metrics.jsonl", ""),
        ("model", "card.json", "{}"),
        ("new", "generated.extxyz", ""),
        ("moved", "relax.json", "{}"),
        ("numbers", "report.json", '{"report": "dng", "format": 1, "record": {}}'),
        ("nothing", "notes.json", '{"report": 3}'),
        (".hidden", "card.json", "{}"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(text)
    assert kinds(tmp_path) == {
        "salts": "dataset", "answers": "predictions", "run": "run", "model": "model", "new": "generated",
        "moved": "relaxed", "report.json": "report",
    }  # fmt: skip


def test_a_folder_may_be_a_thing_itself(tmp_path):
    (entry,) = Library([data_set(tmp_path / "salts")]).entries()
    assert (entry.name, entry.folder) == ("salts", "")


def test_links_that_lead_out_are_not_followed(tmp_path):
    secret, shown = data_set(tmp_path / "secret"), tmp_path / "shown"
    shown.mkdir()
    (shown / "folder").symlink_to(secret)
    (shown / "files").mkdir()
    (shown / "files" / "dataset.json").symlink_to(secret / "dataset.json")
    (shown / "half").mkdir()
    (shown / "half" / "dataset.json").write_text((secret / "dataset.json").read_text())
    (shown / "half" / "train.parquet").symlink_to(secret / "train.parquet")
    assert kinds(shown) == {}


def test_links_within_are(tmp_path):
    data_set(tmp_path / "salts")
    (tmp_path / "again").mkdir()
    for name in ("dataset.json", "train.parquet", "val.parquet"):
        (tmp_path / "again" / name).symlink_to(tmp_path / "salts" / name)
    assert kinds(tmp_path) == {"salts": "dataset", "again": "dataset"}


def test_new_things_come_by_themselves(tmp_path, monkeypatch):
    data_set(tmp_path / "salts")
    found = Library([tmp_path])
    assert len(found.entries()) == 1
    answers(tmp_path / "answers")
    monkeypatch.setattr(library, "FRESH", -1.0)
    assert [entry.name for entry in found.entries()] == ["answers", "salts"]


def test_keys_are_the_same_when_the_program_starts_again(folder):
    assert [one.key for one in Library([folder]).entries()] == [
        one.key for one in Library([folder]).entries()
    ]


def test_a_folder_that_is_none(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="does not exist"):
        Library([tmp_path / "none"])
    with pytest.raises(DataError, match="is a file"):
        Library([tmp_path / "file"])
