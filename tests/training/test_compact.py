"""A run packed to travel between machines goes on from where it was, nearly."""

import importlib.util
import shutil
from pathlib import Path

import torch

from nucleate.runs.model_folder import load_model
from nucleate.training.checkpoint import read_checkpoint
from tests.training.tiny import losses, train

PATH = Path(__file__).parents[2] / "benchmarks" / "gpu" / "compact.py"


def compact():
    spec = importlib.util.spec_from_file_location("compact", PATH)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    assert spec.loader is not None
    spec.loader.exec_module(module)
    return module


def test_a_packed_run_is_unpacked_and_resumed(data, whole, tmp_path):
    tool, run = compact(), tmp_path / "run"
    tool.PART = 20_000
    tool.pack(whole, tmp_path / "packed")
    parts = sorted((tmp_path / "packed").glob("state.*"))
    assert len(parts) > 1
    assert max(part.stat().st_size for part in parts) <= 20_000
    tool.unpack(tmp_path / "packed", run)

    (before, exact), (after, near) = (read_checkpoint(folder / "last.ckpt") for folder in (whole, run))
    assert before == after
    for name, value in exact.items():
        if name.startswith(("model/", "ema/")):
            error = (near[name] - value).abs().max()
            assert error <= 2e-3 * value.abs().max() + 1e-6, name
        if name.endswith("/exp_avg_sq"):
            assert torch.allclose(near[name].mean(), value.mean(), rtol=1e-3)
    assert load_model(run / "model-half")[0].evaluations == 0

    shutil.rmtree(run / "model-last")
    train(data, run, epochs=12, resume=True)
    assert losses(run)[-1]["step"] == 72
    assert losses(run)[-1]["val/total"] < 1.5 * losses(whole)[-1]["val/total"]


def test_momenta_of_muon_begin_again(data, tmp_path):
    tool, muon = compact(), "training.optimiser=muon"
    train(data, tmp_path / "whole", muon, epochs=4)
    tool.pack(tmp_path / "whole", tmp_path / "packed")
    tool.unpack(tmp_path / "packed", tmp_path / "run")
    held = {name for name in read_checkpoint(tmp_path / "run" / "last.ckpt")[1] if name.endswith("/momentum")}
    assert not held
    train(data, tmp_path / "run", muon, epochs=5, resume=True)
    assert losses(tmp_path / "run")[-1]["step"] == 30
    assert {name for name in read_checkpoint(tmp_path / "run" / "last.ckpt")[1] if name.endswith("/momentum")}
