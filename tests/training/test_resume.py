"""A run that is killed at any moment and resumed ends as if nothing had happened."""

import json
import signal
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.training.conftest import EPOCHS
from tests.training.tiny import call, command, kill_at_row, losses, train


def same_weights(first: Path, second: Path) -> bool:
    a, b = load_file(first), load_file(second)
    return a.keys() == b.keys() and all(bool((a[name] == b[name]).all()) for name in a)


def same_run(run: Path, whole: Path) -> None:
    assert losses(run) == losses(whole)
    assert len(losses(run)) == 8
    for model in ("model", "model-last"):
        assert same_weights(run / model / "weights.safetensors", whole / model / "weights.safetensors")
    assert same_weights(run / "last.ckpt", whole / "last.ckpt")


def killed_and_resumed(data: Path, folder: Path, *assignments: str) -> None:
    """A run with other settings that is killed once and resumed is the same run."""
    train(data, folder / "whole", *assignments, epochs=EPOCHS)
    assert kill_at_row(data, folder / "run", 3, *assignments, epochs=EPOCHS) == -signal.SIGKILL
    train(data, folder / "run", *assignments, epochs=EPOCHS, resume=True)
    same_run(folder / "run", folder / "whole")


def test_killed_twice_and_resumed_is_the_same_run(data, whole, tmp_path):
    run = tmp_path / "run"
    assert kill_at_row(data, run, 2, epochs=EPOCHS) == -signal.SIGKILL
    assert kill_at_row(data, run, 5, epochs=EPOCHS, resume=True) == -signal.SIGKILL
    assert train(data, run, epochs=EPOCHS, resume=True).state == "trained"
    same_run(run, whole)


def test_a_run_resumes_whatever_a_kill_left(data, whole, tmp_path):
    run = tmp_path / "run"
    assert kill_at_row(data, run, 3, epochs=EPOCHS) == -signal.SIGKILL
    (run / "last.ckpt.part").write_bytes(b"half a checkpoint")
    (run / "recipe.toml.part").write_text("na")
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 35, "train/fr')
    train(data, run, epochs=EPOCHS, resume=True)
    same_run(run, whole)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_signal_ends_the_run_with_a_whole_checkpoint(data, whole, tmp_path, number):
    run = tmp_path / "run"
    assert kill_at_row(data, run, 2, number=number, epochs=EPOCHS) == 0
    stopped_at = losses(run)[-1]["step"]
    assert stopped_at < 60
    train(data, run, epochs=EPOCHS, resume=True)
    same_run(run, whole)


def test_a_finished_run_is_left_alone(data, whole):
    before = {p: p.stat().st_mtime_ns for p in whole.rglob("*") if p.name != "recipe.toml" and p.is_file()}
    outcome = train(data, whole, epochs=EPOCHS, resume=True)
    assert outcome.state == "finished"
    assert outcome.counters.step == 60
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_minutes_end_a_run_and_more_of_them_extend_it(data, tmp_path):
    run = tmp_path / "run"
    first = train(data, run, minutes=0.02)
    assert first.counters.seconds + first.counters.paused >= 1.2
    assert train(data, run, minutes=0.02, resume=True).state == "finished"
    second = train(data, run, minutes=0.04, resume=True)
    assert second.state == "trained"
    assert second.counters.step > first.counters.step
    assert losses(run)[-1]["step"] == second.counters.step
    assert "val/total" in losses(run)[-1]


def test_resume_without_a_checkpoint_starts_again_with_a_message(data, tmp_path):
    told = []
    train(data, tmp_path / "run", epochs=1, resume=True, tell=told.append)
    assert "no checkpoint yet" in told[0]
    assert losses(tmp_path / "run")[-1]["step"] == 6


def test_card_of_a_finished_run(whole):
    card = json.loads((whole / "model-last" / "card.json").read_text())
    assert card["training"]["steps"] == 60
    assert card["training"]["crystals"] == 480
    assert card["elements"] == [3, 8, 26]
    assert card["metrics"]["val/total"] == losses(whole)[-1]["val/total"]


@pytest.mark.slow
def test_the_command_line_killed_and_resumed(data, whole, tmp_path):
    run = tmp_path / "run"
    kill_at_row(data, run, 3, epochs=EPOCHS)
    done = call(command(data, run, "--epochs", str(EPOCHS), "--resume"))
    assert done.returncode == 0, done.stderr
    assert "60 steps" in done.stderr
    assert done.stdout == ""
    same_run(run, whole)
    again = call(command(data, run, "--epochs", str(EPOCHS), "--resume"))
    assert "finished already (60 steps)" in again.stderr
