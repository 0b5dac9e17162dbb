"""nucleate tune: what it says, and what it refuses, in one sentence with a hint."""

from __future__ import annotations

import pytest

from tests.cli.words import assert_one_line, run
from tests.tuning.made import IRON, QUICK, model

SETS = [word for one in (*QUICK, "draws=4", "steps=1", "batch=4", "base_draws=4") for word in ("--set", one)]


@pytest.fixture
def words(tmp_path):
    """A command that works, but for what a test adds."""
    folder, reward = model(tmp_path), tmp_path / "reward.toml"
    reward.write_text(IRON)
    return [
        "tune",
        folder,
        "--reward",
        reward,
        "--out",
        tmp_path / "out",
        "--rounds",
        "1",
        "--device",
        "cpu",
        *SETS,
    ]


def test_a_run_says_its_rounds_and_how_to_use_the_model(words, tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, *words) == 0
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("round 1: 4 calls  reward 0.")
    assert "systems of 4" in said[0]
    assert said[-1] == f"use it: nucleate generate -n 10 --model {tmp_path / 'out' / 'model'}"
    assert run(monkeypatch, *words) == 0
    assert "finished already (4 calls)" in capsys.readouterr().err
    assert run(monkeypatch, *["2" if word == "1" else word for word in words]) == 0
    assert capsys.readouterr().err.startswith("round 2: 8 calls")
    assert (
        run(
            monkeypatch, "generate", "-n", "2", "--model", tmp_path / "out" / "model", "--out", tmp_path / "g"
        )
        == 0
    )


@pytest.mark.parametrize(
    ("more", "part"),
    [
        (["--method", "best"], "no method of tuning is called 'best'"),
        (["--set", "draw=4"], "no setting named 'draw'"),
        (["--set", "draws=1"], "draws = 1 is too small"),
        (["--set", "temperature=-1"], "temperature"),
        (["--rank", "4", "--set", "rank=2"], "--rank"),
        (["--formulas", "NaCl"], "invents compositions"),
        (["--judge", "nothing"], "no model 'nothing'"),
        (["--judge", "kldm-mp20-dng"], "predicts no property"),
        (["--method", "sequences"], "no model of Wyckoff sequences"),
        (["--structures", "kldm-mp20-symmetric"], "structures have no effect"),
        (["--method", "policy", "--data", "data"], "data has no effect"),
    ],
)
def test_what_is_refused(words, tmp_path, monkeypatch, capsys, more, part):
    kept = words[: -len(SETS)] if "--method" in more else words
    assert run(monkeypatch, *kept, *more) == 2
    assert_one_line(capsys, part)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "part"), [("wyckoff-mp20", "is no model folder"), ("nowhere", "no model 'nowhere'")]
)
def test_what_can_not_be_tuned(words, monkeypatch, capsys, name, part):
    words[1] = name
    assert run(monkeypatch, *words) == 2
    assert_one_line(capsys, part)
