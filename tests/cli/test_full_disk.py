"""A disk that fills up at any file of a job: one sentence and a hint, and the same command goes on afterwards."""

import errno
import io
import os

import pytest

from nucleate.predictor import load
from tests.cli.words import assert_one_line, run
from tests.models import SHRINK, tiny_model
from tests.training.tiny import random_table, write_dataset


def fill(monkeypatch, ending: str) -> None:
    """No file whose name ends so can be written."""
    replace, opened = os.replace, io.open

    def refuse(path) -> None:
        if str(path).endswith(ending):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    def full_replace(source, target, **rest):
        refuse(target)
        return replace(source, target, **rest)

    def full_open(file, mode="r", *rest, **more):
        if set(mode) & set("wax+"):
            refuse(file)
        return opened(file, mode, *rest, **more)

    monkeypatch.setattr(os, "replace", full_replace)
    monkeypatch.setattr(io, "open", full_open)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(tiny_model(tmp_path_factory.mktemp("full") / "tiny"))


@pytest.mark.parametrize("ending", ["job.json", "predictions.extxyz", "ranking.csv", "000.cif", "000.extxyz"])
def test_predict_reports_a_full_disk_and_resumes(model, tmp_path, monkeypatch, capsys, ending):
    words = ["predict", "NaCl", "-n", "2", "--model", model, "--out", tmp_path / "out", "--trajectory"]
    with monkeypatch.context() as patch:
        fill(patch, ending)
        assert run(patch, *words) == 2
    assert "no space left on the disk" in capsys.readouterr().err
    assert run(monkeypatch, *words) == 0
    assert len(list((tmp_path / "out" / "cif").iterdir())) == 2


@pytest.mark.parametrize("ending", ["weights.safetensors", "last.ckpt", "metrics.jsonl", "card.json"])
def test_train_reports_a_full_disk_and_resumes(tmp_path, monkeypatch, capsys, ending):
    data = write_dataset(tmp_path / "data", train=random_table([2, 3, 4, 2]), val=random_table([2, 3]))
    words = ["train", "kldm-csp-tiny", "--data", data, "--out", tmp_path / "run", "--epochs", "2"]
    words += [word for one in SHRINK for word in ("--set", one)]
    words += ["--set", "training.batch=2", "--accelerator", "cpu"]
    with monkeypatch.context() as patch:
        fill(patch, ending)
        assert run(patch, *words) == 2
    said = capsys.readouterr().err
    assert "no space left on the disk" in said
    assert "Traceback" not in said
    assert run(monkeypatch, *words, "--resume") == 0
    assert load(tmp_path / "run", "cpu").card["training"]["steps"] == 4


@pytest.mark.parametrize("ending", ["train.parquet", "rejected.csv", "dataset.json", "data"])
def test_data_import_reports_a_full_disk_and_leaves_nothing(tmp_path, monkeypatch, capsys, ending):
    source = tmp_path / "a.extxyz"
    source.write_text('2\nLattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3\nNa 0 0 0\nCl 2 2 2\n')
    words = ["data", "import", "--train", source, "--out", tmp_path / "data", "--workers", 1]
    with monkeypatch.context() as patch:
        fill(patch, ending)
        if ending == "train.parquet":
            import pyarrow.parquet as pq

            patch.setattr(pq, "write_table", lambda *_, **__: refuse_all())
        assert run(patch, *words) == 2
    assert_one_line(capsys, "no space left on the disk")
    assert [one.name for one in tmp_path.iterdir()] == ["a.extxyz"]
    assert run(monkeypatch, *words) == 0


def refuse_all() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
