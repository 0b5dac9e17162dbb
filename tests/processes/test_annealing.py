"""Anti-annealing: a step along the probability flow goes further than the network is told, for every process."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from nucleate.codecs.lattice import LogLengthsTanAngles
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel
from nucleate.networks.base import Denoiser
from nucleate.processes.base import Move
from nucleate.processes.interpolant import Interpolant
from nucleate.processes.interpolant_settings import InterpolantSettings
from nucleate.sampling.settings import SamplerSettings
from nucleate.sampling.walk import Walk
from tests.processes.examples import EXAMPLES

# Their `follow` depends on time through the process's own clock alone.
FLOWING = [example for example in EXAMPLES if example.oracle and "flow" in example.process.can]


def test_every_continuous_process_is_tested():
    names = {type(example.process).__name__ for example in FLOWING}
    assert names == {"Gaussian", "Kinetic", "WrappedNormal", "Interpolant"}


@pytest.mark.parametrize("example", FLOWING, ids=lambda e: e.name)
def test_an_annealed_step_is_a_longer_step_with_the_same_answer(example):
    """At t = 0.4 a slope of 5 makes a step of 0.05 three times as long."""
    process, mask = example.process, example.mask(2)
    t, near, far = (torch.full((2,), value) for value in (0.4, 0.45, 0.55))
    noised = process.corrupt(example.points, t, mask, Noise.of(0, torch.arange(2)))
    flow = process.flow(noised.state, example.perfect(noised), t, mask)
    noise = Noise.of(1, torch.arange(2))
    annealed = process.follow(noised.state, flow, Move(t, near, mask, noise, anneal=5.0))
    longer = process.follow(noised.state, flow, Move(t, far, mask, noise))
    usual = process.follow(noised.state, flow, Move(t, near, mask, noise))
    for name, value in annealed.items():
        torch.testing.assert_close(value, longer[name], atol=1e-5, rtol=1e-5)
    assert any(not torch.allclose(value, usual[name]) for name, value in annealed.items())


def test_no_step_goes_beyond_the_data():
    t = torch.tensor([0.0, 0.5, 0.9])
    move = Move(t, t + 0.1, torch.ones(3, 1).bool(), Noise.of(0, torch.arange(3)), anneal=10.0)
    torch.testing.assert_close(move.further, torch.tensor([0.1, 1.0, 1.0]))


def test_without_a_slope_nothing_changes():
    t = torch.rand(100, dtype=torch.float64) * 0.9
    move = Move(t, t + 0.05, torch.ones(100, 1).bool(), Noise.of(0, torch.arange(100)))
    torch.testing.assert_close(move.further, move.t_next)


@pytest.mark.parametrize("method", ["ode", "heun", "multistep"])
def test_every_method_takes_the_longer_step(method):
    """A flow of velocity 1 everywhere: each of the steps is (1 + s t) times as long, whatever averages the flows."""

    class Steady(CrystalModel):
        def denoise(self, states, t, mask, guess=None, condition=None):
            return {"frac": torch.ones(1, 2)}

    process = Interpolant(InterpolantSettings(overshoot=True), "frac", 2, "cell", "euclidean")
    model = Steady({"frac": process}, LogLengthsTanAngles(), Denoiser())
    settings = SamplerSettings(method, anneal_frac=2.0)
    walk, way = Walk(model, owned=settings.owned), settings.made()
    states, times = {"frac": {"x": torch.zeros(1, 2)}}, torch.tensor([0.0, 0.2, 0.5, 0.7])[:, None]
    mask, noise = torch.ones(1, 1, dtype=torch.bool), Noise.of(0, torch.arange(1))
    for t, t_next in pairwise(times):
        states = way.step(walk, states, Move(t, t_next, mask, noise))
    expected = 0.2 + (1 + 2 * 0.2) * 0.3 + (1 + 2 * 0.5) * 0.2
    torch.testing.assert_close(states["frac"]["x"], torch.full((1, 2), expected))
