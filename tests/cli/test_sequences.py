"""The shipped sequences with the shipped symmetric diffusion, from the command line and as a proposer of answers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nucleate.answers.offers import Question
from nucleate.answers.settings import AnswerSettings
from nucleate.answers.shipped import made
from nucleate.cli.main import app
from nucleate.records.crystal_files import read_headers

QUICK = ["--nfe", "4", "--set", "tries=1", "--format", "extxyz", "--threads", "1"]


def run(*arguments: str):
    return CliRunner().invoke(app, [*arguments, *QUICK])


def test_a_space_group_is_a_prompt_of_the_sequences(tmp_path: Path) -> None:
    out = tmp_path / "out"
    asked = ["generate", "-n", "3", "--model", "wyckoff-mp20", "--space-group", "225", "--out", str(out)]
    assert run(*asked).exit_code == 0
    headers = [header for header, _ in read_headers(out / "generated.extxyz")]
    assert len(headers) == 3
    assert {(one["model"], str(one["space_group"]), str(one["nfe"])) for one in headers} == {
        ("wyckoff-mp20", "225", "4")
    }
    assert all(one["sites"] for one in headers)


def test_elements_are_a_prompt_too(tmp_path: Path) -> None:
    out = tmp_path / "out"
    asked = ["generate", "-n", "3", "--model", "wyckoff-mp20", "--elements", "Mg,O", "--atoms", "4-8",
             "--space-group", "225", "--out", str(out)]  # fmt: skip
    assert run(*asked).exit_code == 0
    headers = [header for header, _ in read_headers(out / "generated.extxyz")]
    assert len(headers) == 3
    for one in headers:
        assert set(re.findall("[A-Z][a-z]?", str(one["formula"]))) == {"Mg", "O"}
        assert str(one["space_group"]) == "225"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (["generate", "-n", "1", "--space-group", "231"], "there is no space group 231"),
        (
            ["generate", "-n", "1", "--space-group", "227", "--atoms", "19"],
            "no sites of space group 227 hold 19",
        ),
        (["predict", "CaF2", "--space-group", "227", "--formula-units", "1"], "space group 227 hold CaF2"),
        (["predict", "Sr9Ti9O27", "--formula-units", "1"], "45 atoms in the cell, more than the 20"),
        (["generate", "-n", "1", "--at-most", "Mg,O"], "takes exactly the elements that it is given"),
        (["generate", "-n", "1", "--without", "Mg"], "takes exactly the elements that it is given"),
        (["predict", "NaCl", "--prototype", "auto"], "can't keep a symmetry that is given"),
    ],
)
def test_what_sequences_can_not_hold_is_refused(asked: list[str], message: str, tmp_path: Path) -> None:
    found = run(*asked, "--model", "wyckoff-mp20", "--out", str(tmp_path / "out"))
    assert found.exit_code != 0
    assert message in " ".join(str(found.exception or found.output).split())
    assert not (tmp_path / "out").exists(), "the mended command would find the folder taken by another job"


def test_sequences_propose_answers() -> None:
    answers = made("cpu", "float32")
    settings = AnswerSettings(propose=("sequences",), sequences=2)
    question = Question((11, 17), None)
    offers = answers.offers([question], settings, 0)[0]
    assert len(offers) == 2
    for one in offers:
        assert one.by == "sequences"
        assert question.allows(len(one.cell.species))
        assert one.nfe >= 20
