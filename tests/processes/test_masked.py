"""Masked diffusion of species: schedules, the evidence bound, and no atom left hidden."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
import torch.nn.functional as F

from nucleate.codecs.lattice import LogLengthsTanAngles
from nucleate.errors import RecipeError
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel
from nucleate.networks.base import Denoiser
from nucleate.processes.base import Move, State
from nucleate.processes.masked import HIDDEN, Masked, MaskedSettings, MaskedStep
from nucleate.sampling.given import Given
from nucleate.sampling.loop import trajectory
from nucleate.sampling.settings import SamplerSettings
from tests.processes.exact import masked_oracle

SCHEDULES = ["linear", "cosine", "polynomial"]
POINTS = torch.tensor([[11, 17], [3, 9]])


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_weight_is_the_unmasking_rate_by_finite_differences(schedule):
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
        state = process.step(state, logits, Move(now.expand(500), then.expand(500), mask, noise))
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
    moved = process.step(noised.state, wrong, Move(t, t + 0.5, mask, Noise.of(1, torch.arange(1))))
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
        move = Move(0 * one, one, mask, noise, settings=MaskedStep(temperature=temperature))
        drawn = process.step(start, logits, move)["x"]
        share = (drawn == 8).float().mean().item()
        expected = 1 / (1 + math.exp(-1 / temperature)) if temperature else 1.0
        assert share == pytest.approx(expected, abs=4 * 0.5 / math.sqrt(crystals))


def test_some_training_crystals_can_be_shown_whole():
    process, crystals = Masked(MaskedSettings(all_shown=0.3)), 5000
    mask, t = torch.ones(crystals, 4, dtype=torch.bool), torch.full((crystals,), 0.1)
    data = torch.full((crystals, 4), 8)
    whole = (process.corrupt(data, t, mask, Noise.of(0, torch.arange(crystals))).state["x"] == 8).all(1)
    assert whole.float().mean().item() == pytest.approx(0.3 + 0.7 * 1e-4, abs=0.03)
    with pytest.raises(RecipeError, match="all_shown = 1"):
        Masked(MaskedSettings(all_shown=1.0))


def hidden_again(eta: float, t: float, t_next: float, crystals: int = 4000) -> State:
    """The state after one step from atoms of which half are shown as 3, where the network says 5."""
    process, mask = Masked(MaskedSettings(remask=eta)), torch.ones(crystals, 2, dtype=torch.bool)
    x = torch.tensor([3, HIDDEN]).expand(crystals, 2)
    now, then = torch.full((crystals,), t), torch.full((crystals,), t_next)
    noise = Noise.of(5, torch.arange(crystals))
    logits = 50.0 * F.one_hot(torch.full((crystals, 2), 4), 100).float()
    return process.step({"x": x, "guess": x}, logits, Move(now, then, mask, noise))


def test_atoms_are_hidden_again_and_shown_the_more_often():
    state = hidden_again(3.0, 0.4, 0.44)
    shown, hidden = state["x"][:, 0], state["x"][:, 1]
    error = 4 * 0.5 / math.sqrt(4000)
    assert (shown == HIDDEN).float().mean().item() == pytest.approx(3 * 0.04, abs=error)
    assert (hidden != HIDDEN).float().mean().item() == pytest.approx(0.04 * (1 + 3 * 0.4) / 0.6, abs=error)
    assert set(shown.unique().tolist()) == {HIDDEN, 3}
    assert set(hidden.unique().tolist()) == {HIDDEN, 5}
    # Whoever stops here gets back what was hidden last.
    decoded = Masked(MaskedSettings(remask=3.0)).decode(state)
    assert (decoded[:, 0] == 3).all()
    assert (decoded[:, 1] == 5).all()


def test_nothing_is_hidden_in_the_last_step():
    state = hidden_again(3.0, 0.9, 1.0)
    assert (state["x"] == torch.tensor([3, 5])).all()


def test_without_remask_shown_atoms_stay():
    assert (hidden_again(0.0, 0.4, 0.44)["x"][:, 0] == 3).all()


@pytest.mark.parametrize("eta", [0.0, 0.2, 5.0, 30.0])
def test_the_share_that_is_shown_does_not_depend_on_hiding_again(eta):
    """d/dt of the share is (1 + eta t) - eta t = 1, so that the network meets at each t what it was trained on."""
    crystals, steps = 1000, 400
    process, mask = Masked(MaskedSettings(remask=eta)), torch.ones(crystals, 4, dtype=torch.bool)
    state, logits = process.prior(mask, Noise.of(0, torch.arange(crystals))), torch.zeros(crystals, 4, 100)
    times = torch.linspace(0, 1, steps + 1)
    for number, (now, then) in enumerate(itertools.pairwise(times[: steps * 3 // 4 + 1])):
        noise = Noise.of(0, torch.arange(crystals)).at(number)
        state = process.step(state, logits, Move(now.expand(crystals), then.expand(crystals), mask, noise))
        if number + 1 in (steps // 4, steps // 2, steps * 3 // 4):
            share = (state["x"] != HIDDEN).float().mean().item()
            assert share == pytest.approx(then.item(), abs=4 * 0.5 / math.sqrt(4 * crystals) + 0.005)


def test_given_atoms_are_never_shown_to_the_network_as_hidden():
    """The sampler puts what is given back after every step, and in the states that heun only looks at."""
    crystals = 50
    process = Masked(MaskedSettings(remask=20.0))
    mask, known = torch.ones(crystals, 2, dtype=torch.bool), torch.tensor([True, False]).expand(crystals, 2)
    seen = []

    class Model(CrystalModel):
        def denoise(self, states, t, mask, guess=None, condition=None):
            seen.append(states["species"]["x"][:, 0])
            return {"species": torch.zeros(crystals, 2, 100)}

    model = Model({"species": process}, LogLengthsTanAngles(), Denoiser())
    composition = Given.composition(torch.full((crystals, 2), 7), mask).crystals
    given = Given(composition, {"species": known})
    for method in ("em", "heun", "pc"):
        settings = SamplerSettings(method, steps=20)
        *_, (_, last) = trajectory(model, mask, settings, Noise.of(0, torch.arange(crystals)), given)
        assert (last["species"]["x"][:, 0] == 7).all()
        assert (last["species"]["x"][:, 1] != HIDDEN).all()
    assert (torch.stack(seen) == 7).all()


def test_hiding_again_needs_the_linear_schedule_and_a_rate():
    with pytest.raises(ValueError, match="remask = 1 needs schedule = linear, not cosine"):
        Masked(MaskedSettings(schedule="cosine", remask=1))
    with pytest.raises(RecipeError, match="remask = -1 is too small"):
        Masked(MaskedSettings(remask=-1))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_steps_of_any_length_show_what_the_forward_process_shows(schedule):
    """By Bayes a hidden atom is shown within a step with 1 - (1 - alpha_next) / (1 - alpha), whatever the step."""
    process, crystals = Masked(MaskedSettings(schedule=schedule)), 2000
    mask, logits = torch.ones(crystals, 4, dtype=torch.bool), torch.zeros(crystals, 4, 100)
    forward = Noise.of(1, torch.arange(crystals))
    state = process.prior(mask, forward)
    for number, (now, then) in enumerate(itertools.pairwise([0.0, 0.5, 0.6, 0.9])):
        noise = Noise.of(2, torch.arange(crystals)).at(number)
        t, t_next = (torch.full((crystals,), value) for value in (now, then))
        state = process.step(state, logits, Move(t, t_next, mask, noise))
        noised = process.corrupt(torch.full((crystals, 4), 8), t_next, mask, forward)
        share, wanted = ((x != HIDDEN).float().mean().item() for x in (state["x"], noised.state["x"]))
        assert share == pytest.approx(wanted, abs=5 * math.sqrt(2 * 0.25 / (4 * crystals)))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_known_by_is_the_same_process_in_less_time(schedule):
    """At t the shares and rates of one that ends at 0.4 are those of the whole at t / 0.4; the bound pays for it."""
    whole, early = (Masked(MaskedSettings(schedule=schedule, known_by=end)) for end in (1.0, 0.4))
    t = torch.linspace(0.01, 0.38, 20).double()
    torch.testing.assert_close(early.shown(t), whole.shown(t / 0.4))
    torch.testing.assert_close(early.loss_weight(t), whole.loss_weight(t / 0.4) / 0.4)
    assert (early.shown(torch.linspace(0.4, 1, 7)) == 1).all()


@pytest.mark.parametrize("remask", [0.0, 2.0])
def test_nothing_is_hidden_from_known_by_on(remask):
    process, mask = Masked(MaskedSettings(known_by=0.5, remask=remask)), torch.ones(400, 8, dtype=torch.bool)
    state, times = process.prior(mask, Noise.of(0, torch.arange(400))), torch.linspace(0, 1, 11)
    logits, hidden = torch.zeros(400, 8, 100), []
    for number, (now, then) in enumerate(itertools.pairwise(times)):
        noise = Noise.of(0, torch.arange(400)).at(number)
        state = process.step(state, logits, Move(now.expand(400), then.expand(400), mask, noise))
        hidden.append((state["x"] == HIDDEN).float().mean().item())
    assert hidden[4:] == [0.0] * 6
    assert hidden[:4] == pytest.approx([0.8, 0.6, 0.4, 0.2], abs=0.05)
    fixed = process.step(state, logits, Move(times[8].expand(400), times[9].expand(400), mask, noise))
    assert torch.equal(fixed["x"], state["x"])


def test_given_crystals_are_known_and_ask_for_nothing():
    process = Masked(MaskedSettings())
    data, t, mask = torch.tensor([[3, 9, 26]] * 2), torch.full((2,), 0.1), torch.ones(2, 3, dtype=torch.bool)
    noised = process.corrupt(data, t, mask, Noise.of(3, torch.arange(2)))
    given = process.given(data, noised, torch.tensor([True, False]))
    assert torch.equal(given.state["x"][0], data[0])
    assert (given.target[0] == HIDDEN).all()
    assert torch.equal(given.state["x"][1], noised.state["x"][1])
    assert torch.equal(given.target[1], noised.target[1])
    assert (given.target[1] != HIDDEN).any()


@pytest.mark.parametrize("end", [0.0, 1.5])
def test_known_by_is_a_time(end):
    with pytest.raises(RecipeError, match="known_by"):
        Masked(MaskedSettings(known_by=end))
