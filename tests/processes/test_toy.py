"""Three points on a circle with the exact score: which errors of pseudo-code show, and which settings are exact.

Weights (.5, .3, .2); TV is the total variation between the weights drawn and these.
"""

from __future__ import annotations

import pytest
import torch

from nucleate.codecs.lattice import LogLengthsTanAngles
from nucleate.geometry.noise import Noise
from nucleate.geometry.torus import TAU, wrap
from nucleate.model.crystal_model import CrystalModel
from nucleate.networks.base import Denoiser
from nucleate.processes.kinetic import Kinetic, KineticSettings
from nucleate.sampling.loop import trajectory
from nucleate.sampling.settings import SamplerSettings
from tests.processes.exact import kinetic_oracle

POINTS = torch.tensor([0.1, 0.45, 0.75])
WEIGHTS = torch.tensor([0.5, 0.3, 0.2])
CIRCLES = 700


class PlusSign(Kinetic):
    """Algorithm 4 as printed: coordinates move with the velocity when time runs backwards."""

    def _drift(self, theta, velocity, h, mask):
        return {"theta": wrap(theta + h * velocity) * mask.unsqueeze(-1), "velocity": velocity}


class DoubledScore(Kinetic):
    """Algorithm 3 as printed: 2 (e^(2h) - 1) in front of the score, which is e^h + 1 times too much."""

    def score(self, state, prediction, t, mask):
        return super().score(state, prediction, t, mask) * 2


class FromTheExactStart(Kinetic):
    """Starts from the law that the forward process really has at its horizon."""

    def prior(self, mask, noise):
        share = (torch.arange(mask.shape[0] * 3) + 0.5) / (mask.shape[0] * 3)
        data = POINTS[torch.bucketize(share, WEIGHTS.cumsum(0)).clamp(max=2)].reshape(-1, 1, 3)
        return self.corrupt(data, torch.zeros(mask.shape[0]), mask, noise).state


class Toy(CrystalModel):
    def __init__(self, process: Kinetic) -> None:
        super().__init__({"frac": process}, LogLengthsTanAngles(), Denoiser())
        self.oracle = kinetic_oracle(process, POINTS[:, None, None].expand(3, 1, 3), WEIGHTS)

    def denoise(self, states, t, mask, guess=None, condition=None):
        return {"frac": self.oracle(self.processes["frac"].inputs(states["frac"], t), t, mask)}


def run(kind: type[Kinetic], horizon: float, settings: SamplerSettings) -> tuple[float, float]:
    """Median distance to the nearest point (radians) and TV of the weights."""
    process = kind(KineticSettings(horizon=horizon, centred=False))
    mask = torch.ones(CIRCLES, 1, dtype=torch.bool)
    noise = Noise.of(0, torch.arange(CIRCLES))
    states = {}
    for _, states in trajectory(Toy(process), mask, settings, noise):  # noqa: B007
        pass
    gaps = wrap(states["frac"]["theta"].flatten()[:, None] - TAU * POINTS).abs()
    share = torch.bincount(gaps.argmin(-1), minlength=3) / len(gaps)
    return gaps.min(-1).values.median().item(), 0.5 * (share - WEIGHTS).abs().sum().item()


EM = SamplerSettings("em", steps=250)
ODE = SamplerSettings("ode", steps=100)


@pytest.mark.parametrize("settings", [EM, ODE], ids=["em", "ode"])
def test_the_horizon_of_two_biases_the_weights_and_four_does_not(settings):
    (error, short), (_, long) = run(Kinetic, 2.0, settings), run(Kinetic, 4.0, settings)
    assert error < 0.02
    assert 0.05 < short < 0.13
    assert long < 0.04


def test_at_the_horizon_of_two_it_is_the_prior_that_biases():
    assert run(FromTheExactStart, 2.0, EM)[1] < 0.035


def test_the_printed_sign_of_the_drift_does_not_converge():
    error, _ = run(PlusSign, 2.0, SamplerSettings("pc", steps=60, order="predictor-first"))
    assert error > 0.2


def test_a_doubled_score_leaves_a_wider_residue():
    right, wrong = run(Kinetic, 2.0, EM)[0], run(DoubledScore, 2.0, EM)[0]
    assert wrong > 2 * right
