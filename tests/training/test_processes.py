"""Two processes train as one does."""

import numpy as np
import pytest
from safetensors.torch import load_file

from tests.training.tiny import call, command, losses

TWO = ("--devices", "2", "--strategy", "ddp")


@pytest.mark.slow
def test_two_processes_train_as_one(data, whole, tmp_path):
    """Noise hangs on the crystal, so only the order of sums differs."""
    run = tmp_path / "run"
    done = call(command(data, run, *TWO, "--epochs", "10"))
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("60 steps") == 1
    mine, theirs = losses(run), losses(whole)
    assert [row["step"] for row in mine] == [row["step"] for row in theirs]
    for one, other in zip(mine, theirs, strict=True):
        for name, value in other.items():
            assert one[name] == pytest.approx(value, rel=2e-3), name
    weights, reference = (load_file(r / "model-last" / "weights.safetensors") for r in (run, whole))
    for name, value in reference.items():
        np.testing.assert_allclose(weights[name], value, atol=2e-3, err_msg=name)
    assert {p.name for p in run.iterdir()} == {p.name for p in whole.iterdir()}
    assert len(list((run / "tensorboard").iterdir())) == 1


@pytest.mark.slow
def test_two_processes_report_an_error_once(data, whole, tmp_path):
    done = call(command(data, whole, *TWO))
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("already holds a run") == 1
    done = call(command(tmp_path / "nothing", tmp_path / "run", *TWO))
    assert done.returncode == 2
    assert done.stderr.count("error: no data set") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_two_processes_stop_together_after_minutes_and_resume(data, tmp_path):
    run = tmp_path / "run"
    assert call(command(data, run, *TWO, "--minutes", "0.03")).returncode == 0
    done = call(command(data, run, *TWO, "--minutes", "0.05", "--resume"))
    assert done.returncode == 0, done.stderr
    steps = [row["step"] for row in losses(run)]
    assert steps == sorted(steps)
