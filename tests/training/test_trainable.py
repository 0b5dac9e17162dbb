"""Anything Trainable is trained, validated, saved, resumed and drawn from: here a model that knows no time and no atom.

It learns the mean number of atoms in a cell.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch

from nucleate.data.feed import Examples
from nucleate.errors import TrainingError
from nucleate.geometry.noise import Noise
from nucleate.model.times import EARLIEST_NOISE, training_times, validation_times
from nucleate.model.trainable import Trainable
from nucleate.recipes import registry
from nucleate.recipes.contract import AnyRecipe
from nucleate.recipes.registry import get_recipe
from nucleate.runs.devices import Hardware
from nucleate.runs.model_folder import load_model
from nucleate.runs.train import train_recipe
from nucleate.sampling.folder import FolderGenerator
from nucleate.training.settings import TrainingSettings
from tests.training.tiny import losses, mixed_sizes, random_table, write_dataset


class Pairs(Examples):
    """Each crystal twice: sequences of its number of atoms."""

    def __init__(self, table, device):
        self.device = device
        self.sizes = np.repeat(table.sizes, 2)
        self.ids = [f"{name} {copy}" for name in table.ids for copy in "ab"]
        self.counts = torch.tensor(self.sizes, dtype=torch.float32, device=device)

    def tensors(self, indices, size):
        assert size == int(self.sizes[indices.cpu()].max())
        return {"counts": self.counts[indices]}


class Counting(Trainable):
    def __init__(self):
        super().__init__()
        self.mean = torch.nn.Parameter(torch.tensor(0.0))
        self.register_buffer("scale", torch.tensor(1.0))
        self.seen = []

    def fit(self, table):
        self.scale.fill_(float(table.sizes.mean()))

    def examples(self, table, device):
        return Pairs(table, device)

    def forward(self, counts, keys):
        self.seen += keys.tolist()
        assert Noise(keys).uniform(1).shape == (len(counts), 1)
        error = (self.scale * self.mean - counts).square()
        return {"square": error, "other": 0 * error}


@dataclass(frozen=True)
class CountingRecipe(AnyRecipe):
    name: str = "counting"
    training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(
            batch=8, learning_rate=0.05, warmup=1, validate_every=10, checkpoint_every=5, match_every=10
        )
    )

    @property
    def task(self):
        return "csp"

    def build(self):
        return Counting()

    def generator(self, model: Any, card: Any, name: str, identity: str) -> FolderGenerator:
        cells = random_table(mixed_sizes(3)).cells()
        return FolderGenerator(name, [(str(number), cell) for number, cell in enumerate(cells)])


@pytest.fixture
def known(monkeypatch):
    monkeypatch.setattr(registry, "recipes", lambda: {"counting": CountingRecipe()})


def trained(tmp_path, run, **options):
    data = write_dataset(
        tmp_path / "data", train=random_table(mixed_sizes(24)), val=random_table(mixed_sizes(6, 1), 1)
    )
    outcome = train_recipe(
        CountingRecipe(), data, tmp_path / run, hardware=Hardware(accelerator="cpu"), visible=False, **options
    )
    return outcome, tmp_path / run


def test_it_is_trained_saved_and_loaded(tmp_path, known):
    outcome, run = trained(tmp_path, "run", epochs=12)
    # 48 examples of 24 crystals, in batches of 8.
    assert outcome.counters.step == 12 * 6
    rows = losses(run)
    assert rows[-1]["val/square"] < rows[0].get("val/square", 1e9)
    assert rows[-1]["val/total"] == pytest.approx(rows[-1]["val/square"])
    assert rows[-1]["val/match_rate"] == 0.0
    model, recipe, card = load_model(run / "model")
    assert isinstance(model, Counting)
    assert recipe == CountingRecipe()
    assert float(model.scale) == pytest.approx(random_table(mixed_sizes(24)).sizes.mean())
    assert card["parameters"] == 1
    assert card["task"] == "csp"
    assert json.loads((run / "model" / "card.json").read_text())["metrics"]


def test_a_run_that_is_resumed_is_the_same_run(tmp_path, known):
    _, whole = trained(tmp_path, "whole", epochs=8)
    trained(tmp_path, "broken", epochs=3)
    _, broken = trained(tmp_path, "broken", epochs=8, resume=True)
    models = [load_model(run / "model-last")[0] for run in (whole, broken)]
    assert torch.equal(models[0].mean, models[1].mean)
    assert losses(whole)[-1] == losses(broken)[-1]


def test_it_starts_from_a_model_whose_weights_fit(tmp_path, known):
    _, run = trained(tmp_path, "run", epochs=3)
    told = []
    trained(tmp_path, "next", epochs=1, start_from=run / "model", tell=told.append)
    assert told[0].startswith("2 of 2 tensors start as those of")


def test_a_loss_that_is_not_finite_names_the_examples(tmp_path, known, monkeypatch):
    def broken(self, counts, keys):
        return {"square": self.mean * counts * float("nan")}

    monkeypatch.setattr(Counting, "forward", broken)
    with pytest.raises(TrainingError, match=r"crystal-0-[0-9]+ [ab]"):
        trained(tmp_path, "run", epochs=1)


def test_times_come_from_the_same_streams_as_before():
    """Written down from the loop and the validation as they drew for themselves."""
    rng = np.random.default_rng((5, 1, 7))
    strata = (rng.permutation(4) + rng.random()) / 4
    expected = torch.from_numpy(1 - (1e-3 + (1 - 1e-3) * strata)).float()
    assert torch.equal(training_times(5, 7, 4), expected)
    strata = np.random.default_rng((20_508,)).permutation(6)
    expected = torch.tensor(1 - (1e-3 + (1 - 1e-3) * (strata + 0.5) / 6), dtype=torch.float32)
    assert torch.equal(validation_times(6), expected)
    assert EARLIEST_NOISE == 1e-3


def test_times_in_the_middle_are_a_mixture_of_two_laws():
    """The share of times below x is 0.2 x + 0.8 Phi(logit x), to a stratum."""
    times = 1 - training_times(3, 4, 5000, "middle").double()
    assert not torch.equal(times, 1 - training_times(3, 4, 5000))
    for x in (0.02, 0.1, 0.3, 0.5, 0.8, 0.97):
        normal = 0.5 * (1 + math.erf(math.log(x / (1 - x)) / math.sqrt(2)))
        cut = EARLIEST_NOISE + (1 - EARLIEST_NOISE) * x
        assert float((times < cut).double().mean()) == pytest.approx(0.2 * x + 0.8 * normal, abs=3 / 5000)
    assert torch.equal(training_times(3, 4, 64, "middle"), training_times(3, 4, 64, "middle"))
    assert float(times.min()) >= EARLIEST_NOISE


def test_a_recipe_says_which_times_its_model_trains():
    model = get_recipe("kldm-csp-tiny", ["training.times=middle"]).build()
    assert torch.equal(model.drawn(5, 7, 8)["t"], training_times(5, 7, 8, "middle"))
    assert torch.equal(model.drawn_evenly(8)["t"], validation_times(8))
