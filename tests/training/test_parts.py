"""The pieces of the loop by themselves."""

import math

import pytest
import torch
from torch import nn

from nucleate.training.ema import AveragedWeights
from nucleate.training.progress import Budget
from nucleate.training.schedule import learning_rate_factor
from nucleate.training.settings import TrainingSettings
from nucleate.training.unread import Unread


def test_averaged_weights_are_the_weighted_sum():
    model = nn.Linear(1, 1, bias=False)
    values, expected = torch.linspace(-1, 2, 30).tolist(), model.weight.item()
    ema = AveragedWeights(model, 0.9)
    for step, value in enumerate(values):
        with torch.no_grad():
            model.weight.fill_(value)
        ema.update(model, step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
    assert float(ema.weights["weight"]) == pytest.approx(expected, rel=1e-5)
    ema.swap(model)
    assert model.weight.item() == pytest.approx(expected, rel=1e-5)
    ema.swap(model)
    assert model.weight.item() == pytest.approx(2.0)


def test_schedules():
    constant, cosine, cooldown = (
        TrainingSettings(schedule=name, warmup=10, cooldown=0.25)
        for name in ("constant", "cosine", "cooldown")
    )
    assert learning_rate_factor(constant, 4, 0.1) == pytest.approx(0.5)
    assert learning_rate_factor(constant, 10**6, 1.0) == 1
    assert learning_rate_factor(cosine, 100, 0.5) == pytest.approx(0.5)
    assert learning_rate_factor(cosine, 100, 1 / 3) == pytest.approx(0.5 * (1 + math.cos(math.pi / 3)))
    assert learning_rate_factor(cooldown, 100, 0.75) == pytest.approx(1)
    assert learning_rate_factor(cooldown, 100, 0.9) == pytest.approx(0.4)
    assert learning_rate_factor(cooldown, 100, 1.2) == 0


def test_the_budget_that_ends_first_counts():
    assert Budget(100, 1.0).progress(50, 15) == pytest.approx(0.5)
    assert Budget(100, 1.0).progress(20, 45) == pytest.approx(0.75)
    assert Budget(100).progress(20, 1e9) == pytest.approx(0.2)


class OneProcess:
    world_size = 1


def test_losses_checked_late_name_the_first_bad_step_and_its_crystals():
    """On a GPU dozens of steps are read together; those after a bad one are spoiled by it."""
    unread, good = Unread(OneProcess()), torch.ones(3)
    for step, norm, finite in (
        (4, 1.0, good),
        (5, math.inf, torch.tensor([1.0, 0.0, 1.0])),
        (6, math.nan, 0 * good),
    ):
        unread.add(step, torch.tensor(norm), {"frac": torch.tensor(0.5)}, finite)
    records = unread.read()
    assert [record.step for record in records] == [4, 5]
    assert [record.sound for record in records] == [True, False]
    assert records[1].finite == [True, False, True]
    assert unread.read() == []
