"""nucleate predict: files, resuming after a kill, shards, data sets, and what it says when the input is wrong."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import ase.io
import numpy as np
import pytest
from pymatgen.core import Structure

from nucleate.records.crystal_files import drop_cut_frame, read_headers
from tests.cli.words import run
from tests.models import tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(tiny_model(tmp_path_factory.mktemp("cli") / "tiny"))


def headers(path):
    return [header for header, _ in read_headers(path)]


def test_files_of_every_format_hold_the_same_crystal(model, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    words = ["predict", "NaCl", "-n", "3", "--formula-units", "2", "--model", model, "--out", str(out)]
    assert run(monkeypatch, *words, "--format", "cif,poscar,json,extxyz", "--trajectory") == 0
    assert "NaCl" in capsys.readouterr().out
    frames = ase.io.read(out / "predictions.extxyz", ":")
    assert [frame.info["sample"] for frame in frames] == [0, 1, 2]
    rows = (out / "ranking.csv").read_text().splitlines()
    assert len(rows) == 4
    for path in (out / "cif").iterdir():
        expected = frames[int(path.stem[-3:])]
        for other in (path, out / "poscar" / f"{path.stem}.vasp"):
            assert abs(Structure.from_file(other).volume - expected.get_volume()) < 1e-2
        assert "nfe=12 model=tiny" in path.read_text().splitlines()[0]
    track = ase.io.read(out / "trajectories" / "Na2Cl2-000.extxyz", ":")
    assert len(track) == 7
    np.testing.assert_allclose(track[-1].positions, frames[0].positions, atol=1e-5)


def test_a_rerun_resumes_and_another_job_is_refused(model, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    words = ["predict", "NaCl", "SrTiO3", "-n", "4", "--model", model, "--out", str(out)]
    assert run(monkeypatch, *words) == 0
    whole = {frame.info["key"]: frame for frame in ase.io.read(out / "predictions.extxyz", ":")}
    lines = (out / "predictions.extxyz").read_text().splitlines(keepends=True)
    (out / "predictions.extxyz").write_text("".join(lines[: len(lines) // 2])[:-5])
    assert run(monkeypatch, *words) == 0
    assert "going on" in capsys.readouterr().err
    again = ase.io.read(out / "predictions.extxyz", ":")
    assert sorted(frame.info["key"] for frame in again) == sorted(whole)
    for frame in again:
        np.testing.assert_allclose(frame.positions, whole[frame.info["key"]].positions, atol=1e-3)
    assert run(monkeypatch, *words, "--seed", "9") == 2
    assert "other seed" in capsys.readouterr().err


@pytest.mark.timeout(180)
def test_killed_at_any_moment_it_loses_at_most_one_batch(model, tmp_path):
    out = tmp_path / "out"
    words = [
        sys.executable, "-m", "nucleate.cli.main", "predict", "NaCl", "SrTiO3", "Na2O", "-n", "3", "--formula-units",
        "1,2,3", "--model", model, "--steps", "300", "--format", "extxyz", "--out", str(out), "--threads", "1",
    ]  # fmt: skip
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    child = subprocess.Popen(words, **quiet)
    path = out / "predictions.extxyz"
    while child.poll() is None and not (path.exists() and path.stat().st_size):
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    before = path.read_bytes()
    assert subprocess.run(words, **quiet, check=False).returncode == 0
    keys = [header["key"] for header in headers(path)]
    assert len(keys) == len(set(keys)) == 27
    assert path.read_bytes().startswith(before[: before.rfind(b"\n", 0, -1) // 2])


def test_shards_together_are_the_whole_job(model, tmp_path, monkeypatch):
    words = ["predict", "NaCl", "SrTiO3", "-n", "5", "--formula-units", "1", "--model", model, "--out"]
    assert run(monkeypatch, *words, str(tmp_path / "whole")) == 0
    for index in range(3):
        assert run(monkeypatch, *words, str(tmp_path / "parts"), "--shard", f"{index}/3") == 0
    whole = {h["key"] for h in headers(tmp_path / "whole" / "predictions.extxyz")}
    parts = [h["key"] for path in (tmp_path / "parts").glob("predictions.*.extxyz") for h in headers(path)]
    assert sorted(parts) == sorted(whole)


@pytest.fixture
def data(tmp_path):
    """A data set folder with three rows to predict and one of an element that the model never saw."""
    from nucleate.data.dataset import sha256
    from nucleate.data.table import CrystalTable, write_table

    data = tmp_path / "data"
    data.mkdir()
    offsets = np.array([0, 2, 7, 9, 10])
    species = np.array([11, 17, 38, 22, 8, 8, 8, 11, 17, 92])
    cells = np.stack([np.eye(3) * 4] * 4)
    table = CrystalTable(
        ["a", "b", "c", "d"], species, offsets, np.random.default_rng(0).random((10, 3)), cells
    )
    write_table(table, data / "val.parquet")
    info = {"checksums": {"val.parquet": sha256(data / "val.parquet")}}
    (data / "dataset.json").write_text(json.dumps(info))
    return data


def test_like_predicts_every_row_of_a_split(model, data, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    assert (
        run(monkeypatch, "predict", "--like", str(data), "-n", "2", "--model", model, "--out", str(out)) == 0
    )
    found = headers(out / "predictions.extxyz")
    assert sorted((h["crystal"], h["sample"], h["material_id"]) for h in found) == [
        (str(i), str(s), name) for i, name in enumerate("abc") for s in range(2)
    ]
    assert "1 of 4 rows can't be predicted" in capsys.readouterr().err


BLOCKED = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"pymatgen", "pandas", "ase", "scipy", "matplotlib", "lightning", "spglib", "smact"}:
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Block())
from nucleate.cli.main import main
main()
"""


def test_like_needs_neither_pymatgen_nor_pandas(model, data, tmp_path):
    words = ["predict", "--like", str(data), "--model", model, "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(headers(tmp_path / "out" / "predictions.extxyz")) == 3


def test_other_formulas_are_another_job(model, tmp_path, monkeypatch, capsys):
    words = ["--formula-units", "1", "-n", "1", "--model", model, "--out", str(tmp_path / "out")]
    assert run(monkeypatch, "predict", "NaCl", "SrO", "Na2O", *words) == 0
    assert run(monkeypatch, "predict", "NaCl", "SrTiO3", "Na2O", *words) == 2
    assert "other crystals" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["KCl"], "K, which the model never saw"),
        (["Sr20O20", "--formula-units", "1"], "40 atoms"),
        (["NaCl", "--format", "pdf"], "no format 'pdf'"),
        (["NaCl", "--formula-units", "two"], "--formula-units must be whole numbers above 0"),
        (["NaCl", "--shard", "3/3"], "--shard 3/3"),
        (["NaCl", "--formula-units", "2²"], "--formula-units must be whole numbers above 0"),
        ([], "give either formulas or --like"),
        (["--like", "nowhere"], "nowhere"),
        (["NaCl", "--sampler", "best"], "best"),
        (["NaCl", "--set", "tau=-1"], "tau = -1"),
        (["NaCl", "--set", "steps=0"], "steps = 0"),
        (["NaCl", "--device", "abacus"], "abacus"),
    ],
)
def test_bad_input_is_one_line_and_a_hint(model, tmp_path, monkeypatch, capsys, words, part):
    assert run(monkeypatch, "predict", *words, "--model", model, "--out", str(tmp_path / "out")) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line]
    assert part in lines[0]
    assert lines[1].startswith("hint: ")
    assert len(lines) == 2


def test_cut_frames_are_dropped(tmp_path):
    path = tmp_path / "a.extxyz"
    frame = '1\nLattice="1 0 0 0 1 0 0 0 1" key=a\nH 0 0 0\n'
    path.write_text(frame + frame.replace("key=a", "key=b")[:-4])
    assert [header["key"] for header in drop_cut_frame(path)] == ["a"]
    assert path.read_text() == frame


def printed_rows(text):
    return [line.split() for line in text.splitlines()[1:]]


def test_formulas_from_a_file_and_from_stdin_keep_their_order(model, tmp_path, monkeypatch, capsys):
    (tmp_path / "list.txt").write_bytes("\ufeff# oxides\nSrTiO₃  # subscripts\n\nNa2O\r\nnacl\n".encode())
    words = ["--formula-units", "1", "-n", "2", "--model", model, "--out"]
    asked = ["predict", "SrO", "--formulas", tmp_path / "list.txt", *words, tmp_path / "a", "--top", "1"]
    assert run(monkeypatch, *asked) == 0
    said = capsys.readouterr()
    order = ["SrO", "SrTiO3", "Na2O", "NaCl"]
    assert [row[:2] for row in printed_rows(said.out)] == [[formula, "1"] for formula in order]
    assert "note: 'nacl' is read as NaCl" in said.err
    with (tmp_path / "a" / "ranking.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(dict.fromkeys(row["formula"] for row in rows)) == order
    assert [row["place"] for row in rows] == ["1", "2"] * 4
    text = io.TextIOWrapper(io.BytesIO(b"NaCl\nSrO\n"))
    monkeypatch.setattr(sys, "stdin", text)
    assert run(monkeypatch, "predict", "-", *words, tmp_path / "b", "--top", "1") == 0
    assert [row[0] for row in printed_rows(capsys.readouterr().out)] == ["NaCl", "SrO"]


def test_every_wrong_line_is_named_before_anything_is_drawn(model, tmp_path, monkeypatch, capsys):
    (tmp_path / "list.txt").write_text("NaCl\nclo\nKCl\nXx\n")
    words = ["predict", "--formulas", tmp_path / "list.txt", "--model", model, "--out", tmp_path / "out"]
    assert run(monkeypatch, *words) == 2
    said = capsys.readouterr().err
    assert f"line 3 of {tmp_path / 'list.txt'}: 'KCl' holds K" in said
    assert "line 4 of" in said
    assert "error: 2 of 4 formulas can't be predicted" in said
    assert not (tmp_path / "out").exists()
    for name, content in (("empty", b"# nothing\n"), ("picture", b"\x89PNG\xff"), ("missing", None)):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        assert run(monkeypatch, "predict", "--formulas", path, "--model", model) == 2
        assert str(path) in capsys.readouterr().err.splitlines()[0]


def test_json_on_stdout_holds_the_structures_of_the_first_ranks(model, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    words = ["predict", "SrTiO3", "NaCl", "-n", "3", "--formula-units", "1", "--model", model, "--out", out]
    assert run(monkeypatch, *words, "--json", "--top", "2", "--format", "cif,json") == 0
    entries = json.loads(capsys.readouterr().out)
    assert [entry["formula"] for entry in entries] == sorted((e["formula"] for e in entries), reverse=True)
    assert {entry["rank"] for entry in entries} <= {1, 2}
    for entry in entries:
        assert Structure.from_dict(entry["structure"]).composition.reduced_formula == entry["formula"]
        assert Path(entry["files"]["cif"]).is_file()
        assert set(entry["files"]) == {"cif", "json"}
    assert run(monkeypatch, "predict", "--like", "somewhere", "--json", "--model", model) == 2
    assert "--json is for rankings" in capsys.readouterr().err


def test_doubtful_predictions_give_a_warning(model, tmp_path, monkeypatch, capsys):
    words = ["predict", "Na2TiO3", "-n", "4", "--model", model, "--out", tmp_path / "a"]
    assert run(monkeypatch, *words) == 0
    said = capsys.readouterr().err
    assert (
        "warning: the model draws cells of up to 20 atoms; the true cell may need more for Na2TiO3 (3 x 6"
        in said
    )
    assert run(monkeypatch, "predict", "SrTiO3", "--model", model, "-n", "2", "--out", tmp_path / "b") == 0
    assert "may need more" not in capsys.readouterr().err


def test_trajectories_of_earlier_versions_are_not_drawn_again(tmp_path):
    from nucleate.sampling.request import Request
    from nucleate.sampling.trajectory_file import has_trajectory, trajectory_path

    (tmp_path / "trajectories").mkdir()
    request = Request((0, 0), "generated", "", 4)
    assert trajectory_path(tmp_path, request).name == "generated-000004.extxyz"
    assert not has_trajectory(tmp_path, request)
    (tmp_path / "trajectories" / "generated-004.extxyz").touch()
    assert has_trajectory(tmp_path, request)
    assert trajectory_path(tmp_path, Request((11, 17), "NaCl", "NaCl", 3)).name == "NaCl-003.extxyz"
    assert trajectory_path(tmp_path, Request((1,), "a/b", "H", 0, 0, "a/b")).name == "a_b-000.extxyz"
