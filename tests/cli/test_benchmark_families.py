"""nucleate benchmark families: what a user may get wrong, and a kill in the middle."""

from __future__ import annotations

import csv
import json
import os
import signal
from pathlib import Path

import pytest

from nucleate.cli.compared import surroundings
from nucleate.data.dataset import Dataset
from nucleate.runs import devices
from tests.cli.words import assert_one_line, run
from tests.training.tiny import mixed_sizes, random_table, send_when, start, write_dataset

BUDGET = ["--minutes", "0.002", "--seconds", "0.5", "--crystals", "4", "--compositions", "4", "--seeds", "1",
          "--references", "3"]  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("families")
    splits = {"train": random_table(mixed_sizes(16)), "val": random_table(mixed_sizes(4, 1), 1)}
    write_dataset(folder / "data", **splits)
    write_dataset(folder / "half", train=splits["train"])
    return folder


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["data", "--only", "cdvea"], "there is no family 'cdvea'"),
        (["nowhere"], "no data set"),
        (["half"], "has no split 'val'"),
        (["data", "--shard", "3/2"], "--shard 3/2"),
        (["data", "--report", "data"], "can't be written"),
        (["data", "--minutes", "1e12"], "minutes = 1000000000000.0 is too large"),
    ],
)
def test_bad_input_is_one_line_and_a_hint(place, monkeypatch, capsys, words, part) -> None:
    monkeypatch.chdir(place)
    assert run(monkeypatch, "benchmark", "families", *words, "--out", "out") == 2
    assert_one_line(capsys, part)
    assert not (place / "out").exists()


def test_a_comparison_that_is_killed_goes_on(place, tmp_path, monkeypatch, capsys) -> None:
    """What was measured before the kill is kept; the record then has every row."""
    monkeypatch.chdir(tmp_path)
    words = ["benchmark", "families", place / "data", "--out", "out", "--report", "record.json", *BUDGET,
             "--only", "gan", "--only", "retrieval", "--only", "substitution"]  # fmt: skip
    first = tmp_path / "out" / "data" / "gan-seed-0" / "csp.json"
    child = start(lambda: os._exit(run(monkeypatch, *words)))
    assert send_when(child, signal.SIGKILL, first.exists) == -signal.SIGKILL
    assert not (tmp_path / "record.json").exists()
    before = first.read_bytes(), first.stat().st_mtime_ns
    assert run(monkeypatch, *words) == 0
    assert (first.read_bytes(), first.stat().st_mtime_ns) == before
    found = json.loads((tmp_path / "record.json").read_text())
    rows = found["results"]["data"]
    assert {name: sorted({"csp", "dng"} & set(row)) for name, row in rows.items()} == {
        "gan": ["csp", "dng"], "retrieval": ["csp"], "substitution": ["dng"],
    }  # fmt: skip
    assert rows["gan"]["csp"]["numbers"]["match_rate"]["n"] == len(Dataset.open(place / "data").split("val"))
    assert (found["minutes"], found["seconds"], found["seeds"], found["split"]) == (0.002, 0.5, 1, "val")
    with (tmp_path / "out" / "families.csv").open() as file:
        assert [row["family"] for row in csv.DictReader(file)] == ["crystal GAN", "retrieval", "substitution"]
    printed = capsys.readouterr().out
    assert "crystal GAN" in printed
    assert "substitution" in printed


@pytest.mark.parametrize(("threads", "end"), [(1, "1 thread"), (2, "2 threads")])
@pytest.mark.parametrize(("native", "products"), [(True, "native bfloat16"), (False, "float32")])
def test_a_record_says_how_the_processor_multiplies(monkeypatch, native, products, threads, end) -> None:
    """By default models train in bfloat16 where it is native, at more than twice the steps a second."""
    monkeypatch.setattr(devices, "native_bf16", lambda accelerator="auto": native)
    monkeypatch.setattr("torch.get_num_threads", lambda: threads)
    assert surroundings()["hardware"].endswith(f", {products}, {end}")


def test_a_family_that_fails_is_told_and_the_status_says_so(place, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out" / "data" / "gan-seed-0" / "crystal-gan").mkdir(parents=True)
    (tmp_path / "out" / "data" / "gan-seed-0" / "crystal-gan" / "run").write_text("a file in the way")
    words = ["--out", "out", *BUDGET, "--only", "gan", "--only", "retrieval"]
    assert run(monkeypatch, "benchmark", "families", place / "data", *words) == 1
    printed = capsys.readouterr()
    assert "data crystal GAN seed 0 failed: " in printed.err
    assert "Traceback" not in printed.err
    rows = [line.split() for line in printed.out.splitlines()]
    assert [row[:3] for row in rows if "GAN" in row] == [["crystal", "GAN", "-"]]
    assert [row[0] for row in rows if row[:1] == ["retrieval"]] == ["retrieval"]
