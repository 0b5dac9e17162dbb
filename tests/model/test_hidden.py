"""Conditions are hidden from a training crystal now and then, each by itself, and never in validation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nucleate.data.described import Described
from nucleate.geometry.noise import Noise
from nucleate.model.condition import hidden
from nucleate.recipes.registry import get_recipe
from tests.runs.test_adapter import SMALL, table

TOLD = (("gap", Described()), ("system", Described("elements")), ("tc", Described()))
ROWS = 20_000


def test_each_is_hidden_a_fifth_of_the_time_and_independently():
    shown = ~hidden(torch.ones(ROWS, 102), TOLD, Noise.of(0, torch.arange(ROWS))).isnan()  # pyright: ignore
    whole = shown[:, 1:101]
    assert (whole == whole[:, :1]).all()
    three = torch.stack([shown[:, 0], whole[:, 0], shown[:, 101]], 1)
    assert three.float().mean(0).tolist() == pytest.approx([0.8] * 3, abs=0.01)
    assert float((~three).all(1).float().mean()) == pytest.approx(0.2**3, abs=0.003)
    np.testing.assert_allclose(np.corrcoef(three.T.numpy()), np.eye(3), atol=0.03)


def test_what_is_not_known_stays_so_and_bare_numbers_are_never_hidden():
    noise = Noise.of(0, torch.arange(50))
    assert hidden(torch.full((50, 102), torch.nan), TOLD, noise).isnan().all()  # pyright: ignore
    assert torch.equal(hidden(torch.ones(50, 2), (), noise), torch.ones(50, 2))  # pyright: ignore
    assert hidden(None, TOLD, noise) is None


def test_hidden_in_training_and_not_in_validation():
    made = table(60)
    few = [one for one in SMALL if "cspnet" not in one]
    recipe = get_recipe("kldm-dng-masked-small", [*few, 'conditions=["gap", "tc"]']).described_by(made)
    model, shown = recipe.build(), []
    model.fit(made)
    model.network.register_forward_pre_hook(lambda _, given: shown.append(given[0]["present"]))
    feed = model.examples(made, torch.device("cpu")).tensors(torch.arange(60), int(made.sizes.max()))
    for training in (True, False):
        model.train(training)
        model(**feed, t=torch.full((60,), 0.5), keys=Noise.of(0, torch.arange(60)).keys)
    assert 60 < int(shown[0].sum()) < 120
    assert shown[1].all()


def test_the_noise_of_a_loss_is_the_same_with_and_without_hiding():
    noise = Noise.of(0, torch.arange(5))
    hidden(torch.ones(5, 102), TOLD, noise)
    assert noise.draws == 0
