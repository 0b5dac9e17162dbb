"""predict --relax and --cell: what was drawn and how it ranks stays, relaxed copies and other cells stand beside it."""

from __future__ import annotations

import csv
import json

import pytest
from pymatgen.core import Structure

from nucleate.energies.potentials import REGISTRY
from tests.cli.words import assert_one_line, run
from tests.energies.crystals import BrokenPotential
from tests.models import tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(tiny_model(tmp_path_factory.mktemp("cli") / "tiny"))


@pytest.fixture(autouse=True)
def constant(monkeypatch):
    """A potential that says -12 eV of everything, without forces."""
    monkeypatch.setitem(REGISTRY, "constant", BrokenPotential(-12.0))


def test_relaxed_copies_are_written_beside_the_drawn_crystals(model, tmp_path, monkeypatch, capsys):
    words = ["predict", "NaCl", "-n", "4", "--formula-units", "2", "--model", model]
    plain, out = tmp_path / "plain", tmp_path / "out"
    assert run(monkeypatch, *words, "--out", plain) == 0
    finish = ["--relax", "constant", "--cell", "conventional", "--symprec", "0.2"]
    capsys.readouterr()
    assert run(monkeypatch, *words, "--out", out, *finish, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    for name in ("predictions.extxyz", "ranking.csv"):
        assert (out / name).read_text() == (plain / name).read_text()
    with (out / "ranking.csv").open(newline="") as file:
        ranked = list(csv.DictReader(file))
    chosen = [row["file"] for row in ranked if row["representative"] == "True" and row["rank"] != "0"]
    with (out / "relaxed/relaxed.csv").open(newline="") as file:
        relaxed = list(csv.DictReader(file))
    assert [row["name"] for row in relaxed] == chosen
    assert {path.stem for path in (out / "relaxed/cif").iterdir()} == set(chosen)
    assert {(row["status"], float(row["energy"])) for row in relaxed} == {("relaxed", -3.0)}
    assert [entry["relaxed"]["name"] for entry in shown] == [entry["file"] for entry in shown]
    for path in (out / "cif").iterdir():
        assert "conventional cell within 0.2 Å" in path.read_text().splitlines()[0]
        drawn, other = Structure.from_file(plain / "cif" / path.name), Structure.from_file(path)
        assert drawn.volume / len(drawn) == pytest.approx(other.volume / len(other), rel=0.1)
    assert run(monkeypatch, *words, "--out", out, *finish) == 0
    said = capsys.readouterr()
    assert "going on: 4 of 4" in said.err
    assert "-3.0000" in said.out


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["NaCl", "--relax", "magic"], "no potential is called 'magic'"),
        (["NaCl", "--relax", "mattersim"], "needs the package mattersim"),
        (["NaCl", "--cell", "cubic"], "no form of a cell is called 'cubic'"),
        (["NaCl", "--relax-steps", "9"], "--relax-steps 9 has no effect without --relax"),
        (["--like", "data", "--relax", "constant"], "--relax constant has no effect with --like"),
        (["--like", "data", "--cell", "primitive"], "--cell primitive has no effect with --like"),
    ],
)
def test_impossible_options_are_refused_before_anything_is_drawn(
    words, part, model, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "out"
    assert run(monkeypatch, "predict", *words, "--model", model, "--out", out) == 2
    assert_one_line(capsys, part)
    assert not out.exists()
