"""Predictors that pull, from the command line and from Python."""

from __future__ import annotations

import csv

import pytest

from nucleate.predictor import load
from nucleate.predictor.pulling import GUIDES, shipped
from tests.cli.words import assert_one_line, run
from tests.properties.small import train, write_labelled
from tests.runs.test_adapter import base


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A model and a predictor."""
    home = tmp_path_factory.mktemp("pull")
    base(home / "base")
    train(write_labelled(home / "data"), home / "predicts", epochs=1)
    return home


def generate(home, out, *words):
    return ["generate", "-n", "3", "--model", home / "base", "--out", out, "--format", "extxyz,cif", *words]


def test_files_say_what_pulled_and_a_job_resumes_with_the_same_only(made, tmp_path, monkeypatch, capsys):
    words = generate(made, tmp_path / "out", "--towards", "hardness=max", "--predictor", made / "predicts")
    assert run(monkeypatch, *words, "--pull", "hardness=2@0.1-0.9") == 0
    rows = list(csv.DictReader((tmp_path / "out" / "generated.csv").open()))
    assert [row["towards_hardness"] for row in rows] == ["max 2@0.1-0.9"] * 3
    capsys.readouterr()
    assert run(monkeypatch, *words, "--pull", "hardness=2@0.1-0.9") == 0
    assert "going on" in capsys.readouterr().err
    assert run(monkeypatch, *words) == 2
    assert_one_line(capsys, "holds crystals made with other crystals")


def test_the_same_from_python(made, tmp_path, monkeypatch):
    words = generate(made, tmp_path / "out", "--towards", "hardness=3", "--predictor", made / "predicts",
                     "--pull-on", "noised")  # fmt: skip
    assert run(monkeypatch, *words) == 0
    rows = list(csv.DictReader((tmp_path / "out" / "generated.csv").open()))
    model = load(made / "base", "cpu")
    found = model.generate(3, towards={"hardness": 3}, pull_on="noised", predictors=[made / "predicts"])
    assert [one.properties["towards_hardness"] for one in found] == ["3 3@0-1 noised"] * 3
    for one, row in zip(found, rows, strict=True):
        assert one.volume / len(one) == pytest.approx(float(row["volume"]), rel=1e-3)


@pytest.mark.parametrize(("pull", "written"), [((), "min 3@0.9-1"), (("--pull", "energy=9"), "min 9@0.9-1"),
                                               (("--pull", "energy=9@0-1"), "min 9@0-1")])  # fmt: skip
def test_a_potential_pulls_in_the_last_steps_unless_other_times_are_given(
    pull, written, made, tmp_path, monkeypatch
):
    words = generate(made, tmp_path / "out", "--towards", "energy=min", "--predictor", "emt", *pull)
    assert run(monkeypatch, *words) == 0
    rows = list(csv.DictReader((tmp_path / "out" / "generated.csv").open()))
    assert [row["towards_energy"] for row in rows] == [written] * 3


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--towards", "hardness=2"), "no predictor of 'hardness' is named"),
        (("--towards", "hardness=1e6", "--predictor", "P"), "lies outside all labels that predicts/model has seen"),
        (("--towards", "hardness=much", "--predictor", "P"), "nothing is drawn towards hardness=much"),
        (("--towards", "hardness"), "--towards hardness is not NAME=VALUE"),
        (("--towards", "hardness=3", "--predictor", "P", "--pull", "hardness=-1"), "pull hardness=-1 has a weight"),
        (("--towards", "hardness=2", "--predictor", "P", "--pull", "tc=1"), "a pull of tc, which is drawn"),
        (("--towards", "tc=2", "--predictor", "P"), "predicts/model predicts hardness, which is drawn"),
        (("--towards", "hardness=2", "--predictor", "P", "--predictor", "P"), "two predictors of hardness"),
        (("--predictor", "P"), "has no effect without --towards"),
        (("--pull-on", "noised"), "--pull-on noised has no effect without --towards"),
        (("--pull-on", "sharp"), "--pull-on sharp is no view"),
        (("--towards", "energy=-3"), "a potential pulls to less energy, and not towards energy=-3"),
        (("--towards", "tc=3", "--predictor", "emt"), "emt is a potential, and nothing is drawn towards"),
        (("--towards", "energy=min", "--predictor", "emt", "--predictor", "chgnet"), "two potentials are named"),
        (("--towards", "tc=3", "--model", "wyckoff-mp20"), "wyckoff-mp20 can't be steered by a predictor"),
    ],
)  # fmt: skip
def test_bad_requests_get_one_sentence_and_a_hint(words, part, made, tmp_path, monkeypatch, capsys):
    words = [made / "predicts" if word == "P" else word for word in words]
    assert run(monkeypatch, *generate(made, tmp_path / "out", *words)) == 2
    assert_one_line(capsys, part)
    assert not (tmp_path / "out").exists()


def test_a_potential_that_is_mistyped_is_told_the_names_of_potentials(made, tmp_path, monkeypatch, capsys):
    words = ("--towards", "energy=min", "--predictor", "chgnett")
    assert run(monkeypatch, *generate(made, tmp_path / "out", *words)) == 2
    sentence, hint = capsys.readouterr().err.splitlines()[-2:]
    assert sentence == "error: no model 'chgnett'"
    assert "potentials: chgnet, " in hint


def test_beyond_the_labels_where_it_is_said(made, tmp_path, monkeypatch):
    words = generate(
        made, tmp_path / "out", "--towards", "hardness=1e3", "--predictor", made / "predicts", "--beyond"
    )
    assert run(monkeypatch, *words) == 0


def test_the_predictors_of_the_package_that_pull():
    assert shipped(GUIDES) == {
        "band_gap": "property-band-gap-first",
        "formation_energy_per_atom": "property-formation-energy-first",
        "tc": "property-tc-first",
    }


def test_several_wishes_are_judged_and_the_front_is_marked(made, tmp_path, monkeypatch, capsys):
    words = generate(
        made, tmp_path / "out", "--towards", "tc=max", "--towards", "formation_energy_per_atom=min"
    )
    assert run(monkeypatch, *words) == 0
    rows = list(csv.DictReader((tmp_path / "out" / "properties.csv").open()))
    assert len(rows) == 3
    known = [row for row in rows if row["tc"]]
    best = max(known, key=lambda row: (float(row["tc"]), -float(row["formation_energy_per_atom"])))
    assert best["pareto_front"] == "True"
    assert "of 3 crystals are on the Pareto front of tc=max and" in capsys.readouterr().err
