"""nucleate convert diffcsp: a file becomes a model that predicts; what can't be converted is said in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from nucleate.records.crystal_files import read_headers
from tests.cli.words import run
from tests.runs.test_convert import linear_state, one_table, table_of_widths  # noqa: F401 - fixtures
from tests.runs.test_public_checkpoints import LAYERS, public_state
from tests.training.tiny import random_table, write_dataset

pytestmark = pytest.mark.usefixtures("one_table")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    torch.save({"state_dict": linear_state(6.0)}, tmp_path / "diffcsp.ckpt")
    return tmp_path / "diffcsp.ckpt"


def test_a_converted_model_predicts(file, tmp_path, monkeypatch, capsys):
    model, out = tmp_path / "mine", tmp_path / "out"
    assert run(monkeypatch, "convert", "diffcsp", file, "--out", model, "--name", "first") == 0
    said = capsys.readouterr()
    assert not said.out
    assert "first: recipe diffcsp-csp" in said.err
    assert "training data not known" in said.err
    assert f"nucleate predict NaCl --model {model}" in said.err
    words = ["predict", "NaCl", "-n", 2, "--formula-units", 1, "--model", model, "--steps", 3, "--out", out]
    assert run(monkeypatch, *words, "--format", "extxyz") == 0
    assert len(list(read_headers(out / "predictions.extxyz"))) == 2
    capsys.readouterr()
    assert run(monkeypatch, "models", model) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "first"


def test_a_converted_model_with_types_generates(tmp_path, monkeypatch, capsys):
    torch.save(public_state(True), tmp_path / "typed.pt")
    data = write_dataset(tmp_path / "data", train=random_table([2, 3, 3]))
    words = ["convert", "diffcsp", tmp_path / "typed.pt", "--out", tmp_path / "mine", "--data", data]
    assert run(monkeypatch, *words) == 0
    said = capsys.readouterr().err
    assert "recipe diffcsp-dng" in said
    assert "generate -n 10" in said
    assert "not known" not in said
    words = ["generate", "-n", 3, "--model", tmp_path / "mine", "--steps", 3, "--out", tmp_path / "new"]
    assert run(monkeypatch, *words, "--format", "extxyz") == 0
    assert len(list(read_headers(tmp_path / "new" / "generated.extxyz"))) == 3


def _cut(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The layout of EquiCSP: six numbers of the lattice."""
    names = {f"decoder.csp_layer_{n}.edge_mlp.0.weight" for n in range(LAYERS)}
    return {name: x[:, 3:] if name in names else x for name, x in state.items()}


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("missing", "no file"),
        ("text", "can't be read"),
        ("folder", "no file"),
        ("equicsp", "which is no DiffCSP"),
        ("taken", "exists already"),
        ("file in place", "exists already"),
        ("below a file", "can't be written"),
        ("dangling link", "a link that leads nowhere"),
        ("no data set", "no data set"),
    ],
)
def test_errors_are_a_sentence_and_a_hint(what, message, file, tmp_path, monkeypatch, capsys):
    out, extra = tmp_path / "mine", []
    if what == "missing":
        file = tmp_path / "other.ckpt"
    elif what == "text":
        file.write_text("no checkpoint")
        file = file.rename(tmp_path / "file.safetensors")
    elif what == "folder":
        file = tmp_path
    elif what == "equicsp":
        torch.save(_cut(public_state(False)), file)
    elif what == "taken":
        out.mkdir()
        (out / "card.json").write_text("{}")
    elif what == "file in place":
        out.write_text("mine")
    elif what == "below a file":
        out = file / "mine"
    elif what == "dangling link":
        out.symlink_to(tmp_path / "nowhere")
    else:
        extra = ["--data", tmp_path / "nowhere"]
    before = _content(tmp_path)
    assert run(monkeypatch, "convert", "diffcsp", file, "--out", out, *extra) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("error: ")
    assert message in first
    assert second.startswith("hint: ")
    assert _content(tmp_path) == before


def _content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}
