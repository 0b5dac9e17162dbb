"""nucleate train: what it says at the end is a command that works."""

import shlex

from tests.cli.words import run
from tests.training.tiny import SHRINK


def test_the_command_that_training_ends_with_works(data, tmp_path, monkeypatch, capsys):
    settings = [word for one in SHRINK for word in ("--set", one)]
    out = tmp_path / "a run"
    words = ["train", "kldm-csp-tiny", "--data", data, "--out", out, "--epochs", "1", "--accelerator", "cpu"]
    assert run(monkeypatch, *words, *settings) == 0
    said = capsys.readouterr().err
    assert "━" not in said, "no bar without a terminal"
    (line,) = [line for line in said.splitlines() if line.startswith("use it: nucleate ")]
    advised = shlex.split(line.removeprefix("use it: nucleate "))
    # the model knows Li, O and Fe alone
    assert run(monkeypatch, *advised, "--steps", "2", "--out", tmp_path / "predictions") == 0
    assert (tmp_path / "predictions" / "predictions.extxyz").exists()
