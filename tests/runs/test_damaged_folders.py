"""A model folder that is damaged in any of its files is one sentence that names the file."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from nucleate.errors import ModelError
from nucleate.runs.model_folder import load_model
from tests.models import tiny_model
from tests.test_files import DEEP


@pytest.fixture
def folder(tmp_path):
    return tiny_model(tmp_path / "tiny")


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_by_name(folder, number):
    path = folder / "weights.safetensors"
    tensors = load_file(path)
    name = next(name for name in tensors if name.startswith("network"))
    tensors[name].view(-1)[0] = number
    save_file(tensors, path)
    with pytest.raises(ModelError, match=rf"1 of the \d+ tensors in .* not finite, the first is {name}"):
        load_model(folder)


def test_weights_that_are_cut_short_are_refused(folder):
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match=r"weights.safetensors can't be read .* cut short"):
        load_model(folder)


def test_weights_of_another_shape_are_refused(folder):
    path = folder / "weights.safetensors"
    tensors = load_file(path)
    name = next(name for name in tensors if name.startswith("network"))
    save_file({**tensors, name: torch.zeros(1)}, path)
    with pytest.raises(ModelError, match="don't fit its recipe"):
        load_model(folder)


@pytest.mark.parametrize("text", ["", "{", DEEP, "[1]", "\udcff"])
def test_a_broken_card_is_refused(folder, text):
    (folder / "card.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ModelError, match=r"card\.json (can't be read|holds no card)"):
        load_model(folder)


@pytest.mark.parametrize("text", ["=", "a = " + DEEP, "\udcff"])
def test_a_broken_recipe_is_refused(folder, text):
    (folder / "recipe.toml").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ModelError, match=r"recipe\.toml can't be read"):
        load_model(folder)


@pytest.mark.parametrize(("key", "value"), [
    ("elements", "abc"), ("elements", 3), ("largest_cell", None), ("largest_cell", "many"), ("formula_units", [1]),
    ("sizes", {"a": 1}), ("sizes", 3), ("formula_units", {"1": 2}),
])  # fmt: skip
def test_a_card_with_fields_of_another_kind_is_refused(folder, key, value):
    from nucleate.predictor import load

    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, key: value}))
    with pytest.raises(ModelError, match=f"card .*{key}"):
        load(folder, "cpu").predict("NaCl")
