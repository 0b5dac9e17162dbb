"""Several properties side by side: rows, marks, files, and the command."""

from __future__ import annotations

import csv
import json

import ase.io
import pytest

from nucleate.errors import FormulaError
from nucleate.properties.annotate import Annotated
from nucleate.properties.front import aims_of
from nucleate.properties.several import ON_FRONT, check_aims, together
from tests.cli.words import assert_one_line, run
from tests.properties.small import train, write_labelled


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    home = tmp_path_factory.mktemp("several")
    data = write_labelled(home / "data")
    train(data, home / "hardness", epochs=1)
    train(data, home / "tc", "target=tc", epochs=1)
    return home


def words(home, *more):
    return [
        "property",
        home / "data",
        "--split",
        "val",
        "--model",
        home / "hardness",
        "--model",
        home / "tc",
        *more,
    ]


AIMS = ("--aim", "hardness=max", "--aim", "tc=..2")


def test_rows_hold_all_properties_and_the_front():
    found = {
        "a": [
            Annotated("x", "Li", 1.0, 0.5, 1.5, 0.1),
            Annotated("y", "Na", 2.0),
            Annotated("z", "K", warning="w"),
        ],
        "b": [Annotated("x", "Li", 3.0), Annotated("y", "Na", 4.0, warning="far"), Annotated("z", "K", 9.0)],
    }
    rows = together(found, aims_of({"a": "max", "b": "max"}))
    assert [row[ON_FRONT] for row in rows] == [False, True, False]
    assert (rows[0]["a"], rows[0]["a_low"], rows[0]["b"]) == (1.0, 0.5, 3.0)
    assert [row["warning"] for row in rows] == ["", "b: far", "a: w"]
    assert ON_FRONT not in together(found)[0]


def test_an_aim_without_a_predictor_is_refused():
    with pytest.raises(FormulaError, match="nothing predicts b"):
        check_aims(aims_of({"b": "max"}), ["a"])


@pytest.mark.parametrize("ending", ["csv", "json", "extxyz"])
def test_files(ending, made, tmp_path, monkeypatch, capsys):
    path = tmp_path / f"found.{ending}"
    assert run(monkeypatch, *words(made, *AIMS, "--out", path)) == 0
    shown = capsys.readouterr()
    assert "on the Pareto front of hardness=max and tc=..2" in shown.err
    if ending == "csv":
        marks = [row[ON_FRONT] == "True" for row in csv.DictReader(path.open())]
    elif ending == "json":
        record = json.loads(path.read_text())
        assert record["aims"] == {"hardness": "max", "tc": "..2"}
        marks = [row[ON_FRONT] for row in record["crystals"]]
    else:
        marks = [frame.info[ON_FRONT] for frame in ase.io.read(path, ":")]
    assert len(marks) == 40
    assert f"{sum(marks)} of 40 crystals are on the Pareto front" in shown.err
    # those on the front come first
    assert shown.out.splitlines()[1].split()[-1] == "*"


@pytest.mark.parametrize(
    ("more", "part"),
    [
        (("--aim", "gap=max"), "nothing predicts gap"),
        (("--aim", "tc=much"), "tc=much can't be read"),
        (("--aim", "tc"), "--aim tc is not NAME=VALUE"),
        (("--model", "SAME"), "two predictors of tc"),
    ],
)
def test_what_can_not_be(more, part, made, monkeypatch, capsys):
    more = [made / "tc" if word == "SAME" else word for word in more]
    assert run(monkeypatch, *words(made, *more)) == 2
    assert_one_line(capsys, part)
