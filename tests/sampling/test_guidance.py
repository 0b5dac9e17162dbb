"""The one place for guidance: what it is told, what it changes, what it costs."""

from __future__ import annotations

import pytest
import torch

from nucleate.codecs.lattice import LogLengthsTanAngles
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel
from nucleate.networks.base import Denoiser
from nucleate.processes.gaussian import Gaussian, GaussianSettings
from nucleate.sampling.loop import sample, trajectory
from nucleate.sampling.methods.registry import BUILT_IN
from nucleate.sampling.settings import SamplerSettings
from nucleate.sampling.walk import LATEST_SHOWN
from tests.processes.exact import normal_oracle
from tests.sampling.test_loop import given, model

SPREAD, CRYSTALS = 0.4, 1000
MASK = torch.ones(CRYSTALS, 1, dtype=torch.bool)


class Cells(CrystalModel):
    """Six numbers of a cell, normal about zero with the standard deviation SPREAD, and the exact answer for them."""

    def __init__(self, self_conditioning: bool = False) -> None:
        process = Gaussian(GaussianSettings())
        super().__init__(
            {"lattice": process}, LogLengthsTanAngles(), Denoiser(), self_conditioning=self_conditioning
        )
        self.oracle = normal_oracle(process, SPREAD)
        self.shown = []

    def denoise(self, states, t, mask, guess=None, condition=None):
        self.evaluations += 1
        self.shown.append(guess)
        return {"lattice": self.oracle(self.processes["lattice"].inputs(states["lattice"], t), t, mask)}


def last(settings: SamplerSettings, guidance=None, cells: Cells | None = None) -> torch.Tensor:
    noise = Noise.of(0, torch.arange(CRYSTALS))
    *_, (_, states) = trajectory(cells or Cells(), MASK, settings, noise, guidance=guidance)
    return states["lattice"]["x"]


def towards(goal: float, width: float):
    """By the gradient of log exp(-(x0 - goal)^2 / (2 width^2)) at the exact law of x0 given x: its mean is moved by its
    variance times the gradient at the mean, which for normal laws makes a normal one of known mean and width."""
    process = Gaussian(GaussianSettings())

    def guidance(predictions, states, t, ask):
        alpha, sigma = (c.unsqueeze(1) for c in process.alpha_sigma(t))
        variance = 1 / (SPREAD**-2 + (alpha / sigma) ** 2)
        mean = predictions["lattice"]
        return {"lattice": mean + variance * (goal - mean) / (width**2 + variance)}

    return guidance


@pytest.mark.parametrize("method", ["em", "ode", "heun", "multistep"])
def test_a_toy_guidance_draws_from_the_product_of_two_laws(method):
    """N(0, 0.4^2) times N(1, 0.3^2): by Bayes of the mean 0.64 and the standard deviation 0.24."""
    goal, width = 1.0, 0.3
    variance = 1 / (SPREAD**-2 + width**-2)
    drawn = last(SamplerSettings(method, steps=150), towards(goal, width))
    assert drawn.mean().item() == pytest.approx(goal * variance / width**2, abs=0.02)
    assert drawn.std().item() == pytest.approx(variance**0.5, abs=0.02)


@pytest.mark.parametrize("method", BUILT_IN)
def test_identity_guidance_changes_nothing(method):
    settings = SamplerSettings(method, steps=4)
    assert torch.equal(last(settings), last(settings, lambda predictions, states, t, ask: predictions))


@pytest.mark.parametrize("method", BUILT_IN)
def test_guidance_sees_every_answer_and_its_calls_are_counted(method):
    settings, cells, times = SamplerSettings(method, steps=4), Cells(), []

    def guidance(predictions, states, t, ask):
        times.append(t[0].item())
        assert torch.equal(ask(states, t)["lattice"], predictions["lattice"])
        return predictions

    last(settings, guidance, cells)
    assert len(times) == settings.evaluations
    assert cells.evaluations == 2 * settings.evaluations
    assert max(times) <= LATEST_SHOWN


def test_gradients_of_guidance_do_not_leak():
    def guidance(predictions, states, t, ask):
        with torch.enable_grad():
            x = states["lattice"]["x"].detach().requires_grad_()
            said = ask({"lattice": {"x": x}}, t)["lattice"]
            (slope,) = torch.autograd.grad(said.sum(), x)
            assert slope.abs().min() > 0
            return {"lattice": said}

    settings = SamplerSettings("multistep", steps=4)
    guided = last(settings, guidance)
    assert guided.grad_fn is None
    torch.testing.assert_close(guided, last(settings))


def test_self_conditioning_shows_the_unguided_answer():
    cells = Cells(self_conditioning=True)

    def guidance(predictions, states, t, ask):
        ask({"lattice": {"x": states["lattice"]["x"] + 1}}, t)
        return {"lattice": predictions["lattice"] + 100}

    last(SamplerSettings("ode", steps=3), guidance, cells)
    first, within, second, again, *_ = cells.shown
    assert first is None
    assert within is None
    assert second is again
    assert second["lattice"].abs().max() < 10


def test_a_sample_is_guided_too(mask, noise):
    def wider(predictions, states, t, ask):
        return {**predictions, "lattice": predictions["lattice"] + 1}

    settings = SamplerSettings("ode", steps=3)
    free, guided = (sample(model(), mask, settings, noise, given(mask), guidance=g) for g in (None, wider))
    assert not torch.allclose(free.lattice, guided.lattice)
