"""The guide's generator as it stands there: one file in a folder, found by name, drawn from and tested."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import nucleate
from nucleate.data.extxyz import parse_header
from nucleate.errors import ModelError
from nucleate.predictor import generators
from tests.cli.words import run
from tests.plug_ins import package

PAGE = (Path(__file__).parents[2] / "docs" / "guides" / "add-a-generator.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


FILE, SUITE = blocks("python")
PREDICT, FOLDER = (shlex.split(line)[1:] for block in blocks("sh") for line in block.splitlines())


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The guide's file and its entry point are installed; beside it a package that is broken and one that is none."""
    (points,) = tomllib.loads(*blocks("toml"))["project"]["entry-points"].values()
    ((name, value),) = points.items()
    module, _, attribute = value.partition(":")
    packages = tmp_path / "packages"
    package(packages, module, FILE, generators.ENTRY_POINTS, **{name: attribute})
    package(packages, "broken", "raise OSError('no such disk')\n", generators.ENTRY_POINTS, broken="load")
    package(packages, "none_such", "def load(*_): return 1\n", generators.ENTRY_POINTS, none="load")
    monkeypatch.syspath_prepend(packages)
    monkeypatch.chdir(tmp_path)
    generators._points.cache_clear()
    yield tmp_path
    generators._points.cache_clear()


def test_the_command_of_the_guide(installed, monkeypatch, capsys):
    assert run(monkeypatch, *PREDICT) == 0
    text = (installed / "grid" / "predictions.extxyz").read_text()
    headers = [parse_header(line) for line in text.splitlines() if "Lattice" in line]
    assert {(one["edge"], one["draws"], one["nfe"], one["model"]) for one in headers} == {
        ("2", "1", "0", "grid")
    }
    assert len(headers) == 4
    record = json.loads((installed / "grid" / "job.json").read_text())
    assert (record["weights"], record["sampler"]) == ("1", {"spacing": 2.0, "most": 3})
    assert run(monkeypatch, *PREDICT) == 0
    assert "4 of 4 crystals are already in grid" in capsys.readouterr().err
    assert (installed / "grid" / "predictions.extxyz").read_text() == text


def test_requests_without_an_answer_are_reported_and_not_repeated(installed, monkeypatch, capsys):
    words = ["predict", "NaCl", "Na30Cl", "-n", "2", "--formula-units", "1", "--model", "grid", "--out", "g"]
    for _ in range(2):
        assert run(monkeypatch, *words) == 0
        assert "2 of 4 requests have no answer; the first: 31 atoms need more" in capsys.readouterr().err
    assert len((installed / "g" / "predictions.failures.jsonl").read_text().splitlines()) == 2
    assert run(monkeypatch, "predict", "Na30Cl", "-n", "1", "--model", "grid", "--formula-units", "1") == 2
    assert "error: 1 of 1 requests have no answer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--steps", "3"], "steps 3 means nothing to grid"),
        (["--trajectory"], "grid has no trajectories to record"),
        (["--set", "spacing=99"], "spacing"),
        (["--model", "broken"], "the generator 'broken' can't be loaded from 'broken:load' (no such disk)"),
        (["--model", "none"], "is no nucleate.sampling.generator.Generator"),
    ],
)
def test_impossible_options_are_one_line_and_a_hint(installed, monkeypatch, capsys, words, message):
    model = [] if "--model" in words else ["--model", "grid"]
    assert run(monkeypatch, "predict", "NaCl", *model, *words, "--out", "x") == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line]
    assert message in lines[0]
    assert len(lines) == 2


def test_the_guide_from_python(installed):
    model = nucleate.load("grid")
    structures = model.predict("NaCl", n=3, seed=1, formula_units=1)
    assert [one.properties["edge"] for one in structures] == [2, 2, 2]
    assert "grid" in repr(model)
    assert "predicts structures of a composition" in repr(model)
    with pytest.warns(UserWarning, match="1 of 2 requests have no answer"):
        assert len(model.predict(["NaCl", "Na30"], n=1, formula_units=1)) == 1
    with pytest.raises(ModelError, match="none of 1 requests"):
        model.predict("Na30", n=1, formula_units=1)
    with pytest.raises(ModelError, match="invents none"):
        model.generate(1)
    with pytest.raises(ModelError, match="no model folder"):
        model.push_to_hub("me/grid")


def test_the_suite_of_the_guide(installed):
    (installed / "test_grid.py").write_text(SUITE)
    paths = [str(installed / "packages"), str(Path(nucleate.__file__).parents[1])]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_grid.py"],
        capture_output=True, text=True, check=False, timeout=300, cwd=installed,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "8 passed" in done.stdout


def test_a_folder_of_crystals_is_a_generator(tmp_path, monkeypatch, capsys):
    from pymatgen.core import Lattice, Structure

    monkeypatch.chdir(tmp_path)
    (tmp_path / "structures").mkdir()
    species, places = (
        ["Sr", "Ti", "O", "O", "O"],
        [[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]],
    )
    for number, length in enumerate((3.9, 4.0)):
        cube = Structure(Lattice.cubic(length), species, places)
        cube.to_file(str(tmp_path / "structures" / f"cube-{number}.cif"))
    (tmp_path / "structures" / "bad.cif").write_text("data_bad\n")
    assert run(monkeypatch, *FOLDER, "--out", "found") == 0
    said = capsys.readouterr()
    assert "2 of 4 requests have no answer" in said.err
    assert "Pm-3m" in said.out
    text = (tmp_path / "found" / "predictions.extxyz").read_text()
    assert re.findall(r"source=(\S+)", text) == ["cube-0", "cube-1"]
    assert "2; 1 left out" in repr(nucleate.load("structures"))
