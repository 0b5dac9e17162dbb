"""Masked diffusion of species: schedules, the evidence bound, and no atom left hidden."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
import torch.nn.functional as F

from nucleate.geometry.noise import Noise
from nucleate.processes.base import Move, StepRule
from nucleate.processes.masked import HIDDEN, Masked, MaskedSettings
from tests.processes.exact import masked_oracle

SCHEDULES = ["linear", "cosine", "polynomial"]
POINTS = torch.tensor([[11, 17], [3, 9]])


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_weight_is_the_rate_of_showing_by_finite_differences(schedule):
    process, t, step = (
        Masked(MaskedSettings(schedule=schedule)),
        torch.linspace(0.05, 0.95, 19).double(),
        1e-6,
    )
    rate = (process.shown(t + step) - process.shown(t - step)) / (2 * step) / (1 - process.shown(t))
    torch.testing.assert_close(process.loss_weight(t), rate, rtol=1e-6, atol=1e-6)
    assert process.shown(torch.tensor([0.0, 1.0])).tolist() == pytest.approx([0, 1], abs=1e-6)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_bound_of_the_exact_prediction_is_the_entropy(schedule):
    """The mean over t of the weighted loss, times the atoms, is -log p(data): the bound is tight for any schedule."""
    process, weights, crystals = (
        Masked(MaskedSettings(schedule=schedule)),
        torch.tensor([0.25, 0.75]),
        200_000,
    )
    data = POINTS[(torch.arange(crystals) >= crystals // 4).long()]
    t = (torch.randperm(crystals, generator=torch.Generator().manual_seed(0)) + 0.5) / crystals
    mask = torch.ones(crystals, 2, dtype=torch.bool)
    noised = process.corrupt(data, t, mask, Noise.of(0, torch.arange(crystals)))
    logits = masked_oracle(POINTS, weights)({"species": noised.state["x"]}, t, mask)
    bound = 2 * process.loss(logits, noised, mask).double().mean().item()
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert bound == pytest.approx(entropy, rel=0.03)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("noise_left", [0.0, 0.02])
def test_no_atom_is_left_hidden(schedule, noise_left):
    process, mask = Masked(MaskedSettings(schedule=schedule)), torch.ones(500, 8, dtype=torch.bool)
    state, times = process.prior(mask, Noise.of(0, torch.arange(500))), torch.linspace(0, 1 - noise_left, 4)
    logits = torch.zeros(500, 8, 100)
    for number, (now, then) in enumerate(itertools.pairwise(times)):
        noise = Noise.of(0, torch.arange(500)).at(number)
        state = process.step(
            state, logits, Move(now.expand(500), then.expand(500), mask, noise, StepRule("em"))
        )
    species = process.decode(state)
    assert species.min() >= 1
    share = torch.bincount(species.flatten(), minlength=101)[1:] / species.numel()
    assert (share - 0.01).abs().max() < 5 * math.sqrt(0.01 / species.numel())
    if noise_left == 0:
        assert (state["x"] != HIDDEN).all()


def test_shown_atoms_stay_and_cost_nothing():
    process, mask = Masked(MaskedSettings()), torch.ones(1, 3, dtype=torch.bool)
    data, t = torch.tensor([[3, 9, 26]]), torch.tensor([0.5])
    noised = process.corrupt(data, t, mask, Noise.of(3, torch.arange(1)))
    seen = noised.state["x"] != HIDDEN
    assert 0 < seen.sum() < 3
    wrong = 50.0 * F.one_hot(torch.zeros(1, 3, dtype=torch.long), 100).float()
    moved = process.step(
        noised.state, wrong, Move(t, t + 0.5, mask, Noise.of(1, torch.arange(1)), StepRule("em"))
    )
    assert torch.equal(moved["x"][seen], data[seen])
    assert (moved["x"][~seen] == 1).all()
    right = torch.where(seen.unsqueeze(-1), wrong, 50.0 * F.one_hot(data - 1, 100))
    assert process.loss(right, noised, mask).item() == pytest.approx(0, abs=1e-6)


def test_a_temperature_below_one_favours_the_probable():
    process, crystals = Masked(MaskedSettings()), 4000
    mask, one = torch.ones(crystals, 1, dtype=torch.bool), torch.ones(crystals)
    logits = torch.full((crystals, 1, 100), -30.0)
    logits[..., 4], logits[..., 7] = 0.0, 1.0
    start, noise = (
        process.prior(mask, Noise.of(0, torch.arange(crystals))),
        Noise.of(1, torch.arange(crystals)),
    )
    for temperature in (1.0, 0.5, 0.0):
        rule = StepRule("em", temperature=temperature)
        drawn = process.step(start, logits, Move(0 * one, one, mask, noise, rule))["x"]
        share = (drawn == 8).float().mean().item()
        expected = 1 / (1 + math.exp(-1 / temperature)) if temperature else 1.0
        assert share == pytest.approx(expected, abs=4 * 0.5 / math.sqrt(crystals))


def test_some_training_crystals_can_be_shown_whole():
    process, crystals = Masked(MaskedSettings(all_shown=0.3)), 5000
    mask, t = torch.ones(crystals, 4, dtype=torch.bool), torch.full((crystals,), 0.1)
    data = torch.full((crystals, 4), 8)
    whole = (process.corrupt(data, t, mask, Noise.of(0, torch.arange(crystals))).state["x"] == 8).all(1)
    assert whole.float().mean().item() == pytest.approx(0.3 + 0.7 * 1e-4, abs=0.03)
    with pytest.raises(ValueError, match="all_shown = 1"):
        Masked(MaskedSettings(all_shown=1.0))
