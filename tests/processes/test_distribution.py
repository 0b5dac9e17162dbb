"""The law that a process says its step has is the law of what the step draws."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Categorical, Normal

from nucleate.geometry.noise import Noise
from nucleate.processes.base import Move
from nucleate.processes.gaussian import GaussianStep
from nucleate.processes.masked import Masked, MaskedSettings, MaskedStep
from tests.processes.examples import EXAMPLES

MANY = 4000
SAYING = [example for example in EXAMPLES if "distribution" in example.process.can]
NORMAL = [example for example in SAYING if not isinstance(example.process, Masked)]


def move(t: float, t_next: float, mask: torch.Tensor, settings=None) -> Move:
    now, then = (torch.full((MANY,), value) for value in (t, t_next))
    return Move(now, then, mask, Noise.of(3, torch.arange(MANY)), settings=settings)


def test_processes_that_give_a_distribution():
    assert {type(example.process).__name__ for example in SAYING} == {"Gaussian", "Masked"}


@pytest.mark.parametrize("euler", [False, True])
@pytest.mark.parametrize("example", NORMAL, ids=lambda e: e.name)
def test_normal_steps(example, euler):
    """One state many times over: mean and width of each number, and the log density, -1/2 log 2 pi e s^2 on average."""
    process, mask = example.process, example.mask(MANY)
    noised = process.corrupt(
        example.points[:1], torch.full((1,), 0.4), mask[:1], Noise.of(0, torch.arange(1))
    )
    said = example.perfect(noised)
    state, said = (
        {"x": noised.state["x"].expand(MANY, *noised.state["x"].shape[1:])},
        said.expand(MANY, *said.shape[1:]),
    )
    one = move(0.4, 0.5, mask, GaussianStep(euler=euler))
    law, drawn = process.distribution(state, said, one), process.step(state, said, one)["x"]
    assert isinstance(law, Normal)
    width = law.stddev.expand(drawn.shape)[0]
    assert width.min() > 0.05
    assert ((drawn.mean(0) - law.mean[0]) / width).abs().max() < 5 / MANY**0.5
    assert (drawn.std(0) / width - 1).abs().max() < 5 / (2 * MANY) ** 0.5
    entropy = law.entropy().expand(drawn.shape).mean()
    assert law.log_prob(drawn).mean().item() == pytest.approx(-entropy.item(), abs=0.02)


@pytest.mark.parametrize("temperature", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("remask", [0.0, 2.0])
def test_steps_of_species(remask, temperature):
    """One atom hidden and one shown, where the network hesitates between two elements."""
    process, mask = Masked(MaskedSettings(remask=remask)), torch.ones(MANY, 2, dtype=torch.bool)
    x = torch.tensor([0, 3]).expand(MANY, 2)
    logits = torch.full((MANY, 2, 100), -30.0)
    logits[..., 4], logits[..., 7] = 0.0, 1.0
    one = move(0.3, 0.5, mask, MaskedStep(temperature=temperature))
    state = {"x": x, "guess": x}
    law = process.distribution(state, logits, one)
    assert isinstance(law, Categorical)
    drawn = torch.nn.functional.one_hot(process.step(state, logits, one)["x"], 101).float().mean(0)
    assert (drawn - law.probs[0]).abs().max() < 4 * 0.5 / MANY**0.5
    rate = 0.2 / 0.7 * (1 + 0.3 * remask)
    assert law.probs[0, 0, 0].item() == pytest.approx(1 - rate, abs=1e-6)
    assert law.probs[0, 1, 3].item() == pytest.approx(1 - 0.2 * remask, abs=1e-6)
    torch.testing.assert_close(law.probs.sum(-1), torch.ones(MANY, 2))
