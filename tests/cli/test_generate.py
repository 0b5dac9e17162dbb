"""nucleate generate: files, resuming, what is given, and what it says when the input is wrong."""

from __future__ import annotations

import csv
import json

import ase.io
import numpy as np
import pytest
import torch
from pymatgen.core import Lattice, Structure

import nucleate
from nucleate.crystals import Crystals
from nucleate.energies.potentials import REGISTRY
from nucleate.errors import FormulaError, ModelError
from nucleate.model.crystal_model import CrystalModel
from nucleate.recipes.registry import get_recipe
from nucleate.runs.model_folder import save_model
from tests.cli.words import run
from tests.energies.crystals import BrokenPotential
from tests.models import CARD, SHRINK, tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "tiny-dng"
    recipe = get_recipe("kldm-dng-masked-small", SHRINK)
    made = recipe.build()
    cells = Crystals.pad(
        [torch.ones(n) for n in (1, 2, 5)], [torch.rand(n, 3) for n in (1, 2, 5)], [torch.eye(3) * 4] * 3
    )
    made.codec.fit(cells.lattice, cells.sizes)
    save_model(folder, made, recipe, {**CARD, "task": "dng", "sizes": {"2": 0.5, "5": 0.25, "8": 0.25}})
    return str(folder)


def test_crystals_stream_to_disk_and_a_rerun_resumes(model, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    words = ["generate", "-n", "9", "--model", model, "--out", str(out), "--format", "cif,json"]
    assert run(monkeypatch, *words) == 0
    assert "generated-0000" in capsys.readouterr().out
    whole = {frame.info["key"]: frame for frame in ase.io.read(out / "generated.extxyz", ":")}
    assert len(whole) == 9
    assert {len(frame) for frame in whole.values()} <= {2, 5, 8}
    assert len((out / "generated.csv").read_text().splitlines()) == 10
    for path in (out / "cif").iterdir():
        assert "seed=0 nfe=12 model=" in path.read_text().splitlines()[0]
    text = (out / "generated.extxyz").read_text()
    (out / "generated.extxyz").write_text(text[: len(text) // 2])
    assert run(monkeypatch, *words) == 0
    assert "going on" in capsys.readouterr().err
    again = {frame.info["key"]: frame for frame in ase.io.read(out / "generated.extxyz", ":")}
    assert sorted(again) == sorted(whole)
    for key, frame in again.items():
        np.testing.assert_allclose(frame.positions, whole[key].positions, atol=1e-3)
        assert frame.info["formula"] == whole[key].info["formula"]


def test_shards_share_the_work(model, tmp_path, monkeypatch):
    out = tmp_path / "out"
    words = ["generate", "-n", "7", "--model", model, "--out", str(out), "--format", "extxyz", "--shard"]
    assert run(monkeypatch, *words, "0/2") == 0
    assert run(monkeypatch, *words, "1/2") == 0
    assert not (out / "generated.csv").exists()
    keys = [frame.info["key"] for file in out.glob("*.extxyz") for frame in ase.io.read(file, ":")]
    assert len(set(keys)) == len(keys) == 7
    assert run(monkeypatch, *words[:-2], "cif", "--shard", "0/2") == 0
    assert len((out / "generated.csv").read_text().splitlines()) == 8


def test_a_job_has_one_precision(model, tmp_path, monkeypatch, capsys):
    """The network's products alone are in bfloat16, so the draws are others, and a job never holds both."""
    out = tmp_path / "out"
    words = ["generate", "-n", "4", "--model", model, "--out", str(out), "--format", "extxyz"]
    seen = []
    monkeypatch.setattr(CrystalModel, "_answer", told(CrystalModel._answer, seen))
    assert run(monkeypatch, *words, "--precision", "bf16") == 0
    assert set(seen) == {True}
    assert json.loads((out / "job.json").read_text())["weights"].endswith("+bf16")
    capsys.readouterr()
    assert run(monkeypatch, *words) != 0
    assert "made with other weights" in capsys.readouterr().err
    assert run(monkeypatch, *words[:-4], "--out", str(tmp_path / "other"), "--precision", "half") != 0
    said = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert "'half' is not one of 'float32', 'bf16'" in said


def told(answer, seen: list[bool]):
    """The method, which also says in which precision it was asked."""

    def asked(self, *arguments, **named):
        seen.append(self.bf16)
        return answer(self, *arguments, **named)

    return asked


def test_parts_can_be_given(model, tmp_path, monkeypatch, capsys):
    host = Structure(Lattice.cubic(3.9), ["Sr", "Ti"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    host.to(tmp_path / "host.cif")
    words = ["generate", "-n", "3", "--model", model, "--out"]
    assert run(monkeypatch, *words, str(tmp_path / "a"), "--species-fixed", "Na2Cl2") == 0
    assert {a.get_chemical_formula() for a in ase.io.read(tmp_path / "a/generated.extxyz", ":")} == {"Cl2Na2"}
    complete = [*words, str(tmp_path / "b"), "--complete", str(tmp_path / "host.cif"), "--atoms", "5"]
    assert run(monkeypatch, *complete) == 0
    for atoms in ase.io.read(tmp_path / "b/generated.extxyz", ":"):
        assert atoms.get_chemical_symbols()[:2] == ["Sr", "Ti"]
        np.testing.assert_allclose(atoms.cell.lengths(), 3.9, rtol=1e-5)
        gap = (atoms.get_scaled_positions()[:2] - host.frac_coords + 0.5) % 1 - 0.5
        assert np.abs(gap).max() < 1e-5
    lattice = [*words, str(tmp_path / "c"), "--lattice-fixed", str(tmp_path / "host.cif"), "--atoms", "2-5"]
    assert run(monkeypatch, *lattice) == 0
    made = ase.io.read(tmp_path / "c/generated.extxyz", ":")
    assert all(np.allclose(atoms.cell.lengths(), 3.9, rtol=1e-5) and len(atoms) in (2, 5) for atoms in made)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--atoms", "8-4"], "--atoms must be a number or a range of numbers; got 8-4"),
        (["--atoms", "4-"], "--atoms must be a number or a range of numbers; got 4-"),
        (["--atoms", "4²"], "--atoms must be a number or a range of numbers; got 4²"),
        (["--atoms", "3"], ""),
        (["--atoms", "9-12"], "no training cell had 9 to 12 atoms"),
        (["--atoms", "30"], "has 30 atoms in the cell, more than the 20"),
        (["--species-fixed", "Na2Cl2", "--atoms", "7"], "'Na2Cl2' has 4 atoms, and 7 were asked for"),
        (["--species-fixed", "Na2Cl2", "--atoms", "5-8"], "'Na2Cl2' has 4 atoms, and 5 to 8 were asked for"),
        (["--complete", "host.cif", "--lattice-fixed", "host.cif"], "brings its own cell"),
        (["--lattice-fixed", "host.cif", "--atoms", "11"], "11 atoms can't be in a cell of 59.3 Å^3"),
        (["--lattice-fixed", "small.cif"], "1 to 20 atoms can't be in a cell of 3.4 Å^3"),
        (["--complete", "host.cif", "--atoms", "1"], "1 atoms were asked for, and 2 are known already"),
        (["--complete", "host.cif", "--species-fixed", "TiO2"], "does not hold the 2 atoms that are kept"),
        (["-n", "99999999999999999999"], "99999999999999999999 crystals were asked for, more than"),
        (["--species-fixed", "Xx2"], "names 'Xx', which is no element"),
        (["--species-fixed", "Fe2"], "holds Fe, which the model never saw"),
        (["--complete", "missing.cif"], "missing.cif can't be read as a structure"),
        (["--format", "pdf"], "no format 'pdf'"),
        (["--shard", "²/3"], "--shard ²/3 is not I/N"),
        (["--model", ""], "no model ''"),
    ],
)
def test_wrong_input_is_one_sentence_with_a_hint(model, words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Structure(Lattice.cubic(3.9), ["Sr", "Ti"], [[0, 0, 0], [0.5, 0.5, 0.5]]).to("host.cif")
    Structure(Lattice.cubic(1.5), ["Sr"], [[0, 0, 0]]).to("small.cif")
    code = run(monkeypatch, "generate", "-n", "2", "--model", model, "--out", str(tmp_path / "out"), *words)
    said = capsys.readouterr().err
    if not message:
        assert code == 0
        return
    assert code == 2
    assert message in said
    assert "hint: " in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ((), "kldm-mp20-dng-large"),
        (("--space-group", 221), "kldm-mp20-dng"),
        (("--adapter", "tc"), "kldm-mp20-dng+tc"),
        (("--towards", "tc=max"), "kldm-mp20-dng"),
    ],
)
def test_the_model_that_is_taken_where_none_is_named(words, name, tmp_path, monkeypatch):
    quick = ("-n", 1, "--steps", 2, "--device", "cpu")
    assert run(monkeypatch, "generate", *quick, *words, "--out", tmp_path) == 0
    assert json.loads((tmp_path / "job.json").read_text())["model"] == name


def test_a_model_for_given_compositions_refuses(tmp_path, monkeypatch, capsys):
    folder = tiny_model(tmp_path / "tiny")
    assert run(monkeypatch, "generate", "--model", str(folder), "--out", str(tmp_path / "out")) == 2
    assert "invents none" in capsys.readouterr().err


def test_python_generates_the_same_crystals_for_any_count(model):
    loaded = nucleate.load(model)
    many, few = loaded.generate(6, seed=3), loaded.generate(2, seed=3)
    for one, other in zip(few, many, strict=False):
        assert one.composition == other.composition
        np.testing.assert_allclose(one.lattice.matrix, other.lattice.matrix, atol=1e-3)
    assert many[0].properties["seed"] == 3
    assert [len(s) for s in loaded.generate(3, atoms=4)] == [4, 4, 4]
    host = Structure(Lattice.cubic(3.9), ["Sr"], [[0, 0, 0]])
    kept = loaded.generate(2, complete=host, species="SrTiO3")
    assert {s.composition.reduced_formula for s in kept} == {"SrTiO3"}
    with pytest.raises(FormulaError, match="does not hold the 1 atoms that are kept"):
        loaded.inventions(1, complete=host, species="TiO2")
    with pytest.raises(ModelError, match="invents none"):
        nucleate.load("kldm-perov5-csp").generate(1)


def test_a_model_that_invents_predicts_too(model, tmp_path, monkeypatch):
    words = ["predict", "NaCl", "-n", "2", "--model", model, "--out", str(tmp_path / "out")]
    assert run(monkeypatch, *words) == 0
    frames = ase.io.read(tmp_path / "out/predictions.extxyz", ":")
    assert {atoms.get_chemical_formula(empirical=True) for atoms in frames} == {"ClNa"}


def test_relaxed_copies_are_written_beside_the_drawn_crystals(model, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(REGISTRY, "constant", BrokenPotential(-12.0))
    words = ["generate", "-n", "6", "--atoms", "2", "--model", model]
    plain, out = tmp_path / "plain", tmp_path / "out"
    assert run(monkeypatch, *words, "--out", str(plain)) == 0
    assert run(monkeypatch, *words, "--out", str(out), "--relax", "constant", "--cell", "primitive") == 0
    for name in ("generated.extxyz", "generated.csv"):
        assert (out / name).read_text() == (plain / name).read_text()
    usable = {path.stem for path in (plain / "cif").glob("*.cif")}
    assert {path.stem for path in (out / "cif").glob("*.cif")} == usable
    with (out / "relaxed/relaxed.csv").open(newline="") as file:
        assert {row["name"] for row in csv.DictReader(file)} == usable
    assert {path.stem for path in (out / "relaxed/cif").glob("*.cif")} <= usable
