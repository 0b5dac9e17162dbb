"""nucleate benchmark cross: what a user may get wrong is one sentence and a hint, before anything is trained."""

import json
import os
import signal

import pytest

from tests.cli.words import assert_one_line, run
from tests.training.tiny import SHRINK, mixed_sizes, random_table, send_when, start, write_dataset


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmark")
    splits = {"train": random_table(mixed_sizes(16)), "val": random_table(mixed_sizes(4, 1), 1)}
    write_dataset(folder / "data", **splits)
    write_dataset(folder / "other" / "data", **splits)
    write_dataset(folder / "half", train=splits["train"])
    (folder / "file").write_text("")
    (folder / "folder").mkdir()
    return folder


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["data", "--only", "kinetic"], "'kinetic' is not a pair of processes"),
        (["data", "--only", "vp-x0/kinetic"], "'vp-x0/kinetic' is not a pair of processes"),
        (["data", "--base", "kldm-csp-tiny"], "'kldm-csp-tiny' is not a recipe of the cross"),
        (["data", "--base", "nothing"], "no recipe named 'nothing'"),
        (["data", "--recipe", "nothing"], "no recipe named 'nothing'"),
        (["data", "--set", "cell"], "'cell' is not key=value"),
        (["data", "--nfe", "ten"], "--nfe must be whole numbers above 0; got ten"),
        (["data", "--nfe", "10,"], "--nfe must be whole numbers above 0; got 10,"),
        (["data", "--nfe", "10²"], "--nfe must be whole numbers above 0; got 10²"),
        (["data", "--nfe", "0"], "--nfe must be whole numbers above 0; got 0"),
        (["data", "--shard", "3/2"], "--shard 3/2"),
        (["data", "--shard", "0/²"], "--shard 0/²"),
        (["data", "--accelerator", "abacus"], "abacus"),
        (["nowhere"], "no data set"),
        (["data", "nowhere"], "no data set"),
        (["file"], "is a file, and a data set is a folder"),
        (["folder"], "it has no dataset.json"),
        (["half"], "has no split 'val'"),
        (["data", "other/data"], "two data sets are called data"),
        (["data", "--report", "folder"], "can't be written"),
        (["data", "--report", "file/a.json"], "can't be written"),
    ],
)
def test_bad_input_is_one_line_and_a_hint(place, monkeypatch, capsys, words, part):
    monkeypatch.chdir(place)
    assert run(monkeypatch, "benchmark", "cross", *words, "--out", "out") == 2
    assert_one_line(capsys, part)
    assert not (place / "out").exists()


def test_a_file_where_the_runs_should_be(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    words = ["data", "--only", "kinetic/vp-x0", "--accelerator", "cpu", "--epochs", 1]
    assert run(monkeypatch, "benchmark", "cross", *words, "--out", "file") == 2
    assert_one_line(capsys, "can't be a run folder")
    assert (place / "file").read_text() == ""


def test_a_benchmark_stopped_by_a_signal_resumes_to_the_same_points(place, tmp_path, monkeypatch):
    monkeypatch.chdir(place)
    sets = [word for setting in (*SHRINK, "training.slices=1") for word in ("--set", setting)]
    words = ["benchmark", "cross", "data", "--only", "geodesic/vp-x0", "--seeds", "1", "--epochs", "20", "--nfe", "2",
             "--limit", "2", "--top", "0", "--accelerator", "cpu", *sets]  # fmt: skip

    def compared(name: str) -> int:
        return run(monkeypatch, *words, "--out", tmp_path / name, "--report", tmp_path / f"{name}.json")

    def checkpoint() -> bool:
        return any((tmp_path / "stopped").rglob("last.ckpt"))

    assert compared("whole") == 0
    child = start(lambda: os._exit(compared("stopped")))
    assert send_when(child, signal.SIGTERM, checkpoint) == 130
    assert not (tmp_path / "stopped.json").exists()
    assert compared("stopped") == 0
    whole, stopped = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("whole", "stopped"))
    one, other = (record["results"]["data"]["geodesic/vp-x0"] for record in (whole, stopped))
    assert one["points"] == other["points"]
    assert one["training"][0]["val/total"] == other["training"][0]["val/total"]
    assert one["training"][0]["step"] == other["training"][0]["step"] == 40
