"""Adapters, targets, guidance and element systems from the command line and from Python."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from nucleate.predictor import load
from tests.cli.words import assert_one_line, run
from tests.runs.test_adapter import SMALL, base, table
from tests.training.tiny import write_dataset


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A data set, a model, and two adapters of it."""
    home = tmp_path_factory.mktemp("steer")
    write_dataset(home / "data", train=table(48), val=table(9, 1))
    base(home / "base")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("tc", "gap"):
            assert run(patch, *adapter(home, name)) == 0
    return home


def adapter(home, name, *words):
    return ["train", "--adapter", name, "--from", home / "base", "--data", home / "data", "--out", home / name,
            "--epochs", "1", "--set", "training.batch=8", "--accelerator", "cpu", *words]  # fmt: skip


def generate(home, out, *words):
    return ["generate", "-n", "6", "--model", home / "base", "--out", out, *words]


BOTH = ("--target", "tc=4..6", "--target", "gap=max", "--guidance", "tc=2", "--guidance", "gap=1@0.1-0.9")


def test_crystals_hold_what_was_asked(made, tmp_path, monkeypatch, capsys):
    words = generate(made, tmp_path / "out", "--adapter", made / "tc", "--adapter", made / "gap", *BOTH,
                     "--elements", "Li,O", "--format", "extxyz,cif")  # fmt: skip
    assert run(monkeypatch, *words) == 0
    rows = list(csv.DictReader((tmp_path / "out" / "generated.csv").open()))
    assert len(rows) == 6
    assert len({row["target_tc"] for row in rows}) > 1
    for row in rows:
        assert 4 <= float(row["target_tc"]) <= 6
        assert 2.5 < float(row["target_gap"]) < 3
        assert (row["guidance_tc"], row["guidance_gap"]) == ("2@0-1", "1@0.1-0.9")
        assert row["elements"] == "Li,O"
        assert "Li" in row["formula"]
        assert "O" in row["formula"]
        assert "Fe" not in row["formula"]
        assert row["model"].endswith("base+tc+gap")
    capsys.readouterr()
    assert run(monkeypatch, *words) == 0
    assert "going on" in capsys.readouterr().err


def test_structures_of_a_formula(made, tmp_path, monkeypatch):
    words = ["predict", "LiO2", "--model", made / "base", "--adapter", made / "tc", "--target", "tc=5",
             "--guidance", "tc=1", "-n", "3", "--formula-units", "1", "--out", tmp_path / "out"]  # fmt: skip
    assert run(monkeypatch, *words) == 0
    text = (tmp_path / "out" / "predictions.extxyz").read_text()
    assert text.count("target_tc=5.0 guidance_tc=1@0-1") == 3
    model = load(made / "base", "cpu", adapters=[made / "tc"])
    found = model.predict("LiO2", 3, formula_units=1, target={"tc": 5}, guidance={"tc": 1})
    assert [one.properties["target_tc"] for one in found] == [5.0] * 3


def test_a_job_is_not_resumed_with_another_target(made, tmp_path, monkeypatch, capsys):
    words = generate(made, tmp_path / "out", "--adapter", made / "tc")
    assert run(monkeypatch, *words, "--target", "tc=4") == 0
    capsys.readouterr()
    assert run(monkeypatch, *words, "--target", "tc=5") == 2
    assert run(monkeypatch, *words, "--target", "tc=4", "--guidance", "tc=1") == 2


def test_the_same_from_python(made, tmp_path, monkeypatch):
    words = generate(made, tmp_path / "out", "--adapter", made / "tc", "--target", "tc=5", "--guidance", "tc=2",
                     "--at-most", "Li,O")  # fmt: skip
    assert run(monkeypatch, *words) == 0
    rows = list(csv.DictReader((tmp_path / "out" / "generated.csv").open()))
    model = load(made / "base", "cpu", adapters=[made / "tc"])
    structures = model.generate(6, target={"tc": 5}, guidance={"tc": 2}, at_most="Li,O")
    assert [float(one.properties["target_tc"]) for one in structures] == [5.0] * 6
    volumes = [one.volume / len(one) for one in structures]
    np.testing.assert_allclose(volumes, [float(row["volume"]) for row in rows], rtol=1e-3)
    assert all({str(site.specie) for site in one} <= {"Li", "O"} for one in structures)


def test_python_warns_of_few_labels(made):
    model = load(made / "base", "cpu", adapters=[made / "tc"])
    with pytest.warns(UserWarning, match="of 48 training rows lie there or beyond"):
        model.generate(1, target={"tc": 0.0 + table(48).properties["tc"].max()})


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--target", "ec=1"), "is not told 'ec'"),
        (("--target", "tc=1e6"), "lies outside all 48 labels"),
        (("--target", "tc=5", "--guidance", "tc=-1"), "guidance tc=-1 has a weight"),
        (("--guidance", "tc=1"), "guidance of tc, for which nothing is asked"),
        (("--target", "tc"), "--target tc is not NAME=VALUE"),
        (("--elements", ""), "an element system without elements"),
        (("--elements", "Li,O", "--without", "O"), "O is asked for and left out"),
        (("--at-most", "Li", "--without", "Li"), "no element is left"),
        (("--elements", "Li,O", "--species-fixed", "LiO"), "all species are given"),
        (("--elements", "Li,O,Fe", "--atoms", "2"), "2 atoms can't be of 3 elements"),
    ],
)
def test_bad_requests_get_one_sentence_and_a_hint(words, part, made, tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, *generate(made, tmp_path / "out", "--adapter", made / "tc", *words)) == 2
    assert_one_line(capsys, part)
    assert not (tmp_path / "out").exists()


def test_beyond_all_labels_where_it_is_said(made, tmp_path, monkeypatch, capsys):
    words = generate(made, tmp_path / "out", "--adapter", made / "tc", "--target", "tc=20", "--beyond")
    assert run(monkeypatch, *words) == 0
    assert "0 % of 48 training rows" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("train", "--data", "d", "--out", "o"), "no recipe is named"),
        (("train", "--adapter", "tc", "--data", "d", "--out", "o"), "the adapter 'tc' needs a model"),
        (("train", "kldm-csp", "--adapter", "tc", "--from", "m", "--data", "d", "--out", "o"), "has the recipe of its"),
        (("train", "kldm-csp", "--tune-base", "--data", "d", "--out", "o"), "--tune-base True has no effect"),
        (("train", "kldm-csp", "--condition", "a", "--set", 'conditions=["a"]', "--data", "d", "--out", "o"),
         "both say the same thing"),
    ],
)  # fmt: skip
def test_trainings_that_can_not_be(words, part, monkeypatch, capsys):
    assert run(monkeypatch, *words) == 2
    assert_one_line(capsys, part)


def test_the_base_can_be_tuned_into_a_whole_model(made, tmp_path, monkeypatch):
    words = adapter(made, "tc", "--tune-base")
    words[words.index("--out") + 1] = tmp_path / "whole"
    assert run(monkeypatch, *words) == 0
    model = load(tmp_path / "whole", "cpu")
    assert model.model.conditions == ("tc",)
    assert len(model.generate(2, target={"tc": 5})) == 2


def test_a_recipe_with_conditions_of_all_kinds(tmp_path, monkeypatch):
    """From the data set to a crystal that is asked for."""
    kinds = np.array(["layered", "", "bulk"] * 16, dtype=object)
    made = replace(table(48), properties={**table(48).properties, "kind": kinds})
    write_dataset(tmp_path / "data", train=made, val=made.select(np.arange(9)))
    names = ["gap", "kind", "element_system", "crystal_system", "space_group", "atoms", "density"]
    words = [
        "train",
        "kldm-dng-masked-small",
        "--data",
        tmp_path / "data",
        "--out",
        tmp_path / "run",
        "--epochs",
        "1",
    ]
    words += [word for name in names for word in ("--condition", name)]
    words += [word for one in [*SMALL, "training.batch=8"] if "cspnet" not in one for word in ("--set", one)]
    assert run(monkeypatch, *words, "--accelerator", "cpu") == 0
    model = load(tmp_path / "run", "cpu")
    asked = {"gap": (1, 2), "kind": "bulk", "element_system": "Li,O", "crystal_system": "cubic", "space_group": 225,
             "atoms": 4, "density": "min"}  # fmt: skip
    (one,) = model.generate(1, atoms=4, target=asked, guidance={"kind": 1, "element_system": 2})
    assert one.properties["target_element_system"] == "Li,O"
    assert 1 <= one.properties["target_gap"] <= 2
