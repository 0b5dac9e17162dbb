"""Each method against formulas written by hand, on one variance-preserving lattice with a network that is not linear.

One step with known noise, the weak order of the stochastic methods, and settings at their limits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from nucleate.codecs.lattice import LogLengthsTanAngles
from nucleate.geometry.noise import MappedNoise, Noise
from nucleate.model.crystal_model import CrystalModel
from nucleate.networks.base import Denoiser
from nucleate.processes.base import Move
from nucleate.processes.gaussian import Gaussian, GaussianSettings, GaussianStep
from nucleate.processes.masked import Masked, MaskedSettings, MaskedStep
from nucleate.sampling.loop import trajectory
from nucleate.sampling.methods.base import Method
from nucleate.sampling.methods.em import EulerMaruyama
from nucleate.sampling.methods.heun import Heun
from nucleate.sampling.methods.multistep import Multistep
from nucleate.sampling.methods.ode import Flow
from nucleate.sampling.methods.pc import PredictorCorrector, PredictorCorrectorSettings
from nucleate.sampling.methods.registry import BUILT_IN
from nucleate.sampling.settings import SamplerSettings
from nucleate.sampling.walk import Walk
from tests.processes.examples import EXAMPLES

MASK = torch.ones(2, 1, dtype=torch.bool)
START = torch.tensor(
    [[0.3, -1.2, 0.8, 2.0, -0.4, 0.1], [1.1, 0.0, -0.7, 0.5, -2.0, 0.9]], dtype=torch.float64
)
Z = torch.tensor([[0.5, -1.0, 0.2, 1.5, -0.3, 0.7], [-0.6, 0.9, 1.2, -1.4, 0.1, -0.2]], dtype=torch.float64)
TAU = 0.3
Network = Callable[[torch.Tensor, float], torch.Tensor]


def bent(x: torch.Tensor, t: float) -> torch.Tensor:
    """A prediction of the clean data that is linear in nothing."""
    return torch.sin(x) + t * t


def levels(t: float) -> tuple[float, float]:
    """alpha and sigma of the linear schedule, by the integral of beta(u) = 0.1 + 19.9 u."""
    u = 1 - t
    alpha = math.exp(-0.5 * (0.1 * u + 9.95 * u * u))
    return alpha, math.sqrt(1 - alpha * alpha)


def ddim(x: torch.Tensor, x0: torch.Tensor, t: float, then: float) -> torch.Tensor:
    """The clean data and the noise in x, recombined at the later time."""
    (alpha, sigma), (alpha_next, sigma_next) = levels(t), levels(then)
    return alpha_next * x0 + sigma_next * (x - alpha * x0) / sigma


def posterior(x: torch.Tensor, x0: torch.Tensor, t: float, then: float) -> tuple[torch.Tensor, float]:
    """Mean and spread of q(x_next | x, x0): the product of two Gaussians, by their precisions."""
    (alpha, sigma), (alpha_next, sigma_next) = levels(t), levels(then)
    ratio = alpha / alpha_next
    added = sigma**2 - ratio**2 * sigma_next**2
    precision = 1 / sigma_next**2 + ratio**2 / added
    return (alpha_next * x0 / sigma_next**2 + ratio * x / added) / precision, precision**-0.5


def langevin(x: torch.Tensor, x0: torch.Tensor, t: float, z: torch.Tensor, size: str) -> torch.Tensor:
    """x + delta s + sqrt(2 delta) z; the expected square of the score is 1 / sigma^2."""
    alpha, sigma = levels(t)
    score = (alpha * x0 - x) / sigma**2
    delta = TAU * sigma**2 if size == "expected" else TAU / score.square().mean(1, keepdim=True)
    return x + delta * score + (2 * delta) ** 0.5 * z


class Model(CrystalModel):
    def __init__(self, network: Network = bent) -> None:
        super().__init__({"lattice": Gaussian(GaussianSettings())}, LogLengthsTanAngles(), Denoiser())
        self.says = network

    def denoise(self, states, t, mask, guess=None, condition=None):
        self.evaluations += 1
        return {"lattice": self.says(states["lattice"]["x"], t[0].item())}


def known_noise(*draws: torch.Tensor) -> Noise:
    """A stream whose normal numbers are these, one tensor for each draw."""
    left = list(draws)
    return MappedNoise(Noise.of(0, torch.arange(2)), normal=lambda drawn: left.pop(0))


def stepped(
    method: Method, x: torch.Tensor, *times: float, noise: Noise | None = None, anneal: float = 0.0,
    network: Network = bent, settings: object = None,
) -> torch.Tensor:  # fmt: skip
    """The state after the steps between these times."""
    walk = Walk(Model(network), owned=lambda move, *_: replace(move, anneal=anneal, settings=settings))
    states = {"lattice": {"x": x}}
    for now, then in pairwise(times):
        t, t_next = (torch.full((2,), value, dtype=torch.float64) for value in (now, then))
        states = method.step(walk, states, Move(t, t_next, MASK, noise or known_noise()))
    return states["lattice"]["x"]


def close(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


# One step


@pytest.mark.parametrize("anneal", [0.0, 0.5])
def test_a_step_of_ode_is_ddim(anneal):
    reached = 0.5 + (1 + anneal * 0.5) * 0.1
    close(stepped(Flow(), START, 0.5, 0.6, anneal=anneal), ddim(START, bent(START, 0.5), 0.5, reached))


@pytest.mark.parametrize("anneal", [0.0, 0.5])
def test_a_step_of_heun_takes_the_mean_of_two_predictions(anneal):
    """The second is asked for at t_next, from where the annealed step arrives."""
    reached, first = 0.5 + (1 + anneal * 0.5) * 0.1, bent(START, 0.5)
    second = bent(ddim(START, first, 0.5, reached), 0.6)
    expected = ddim(START, (first + second) / 2, 0.5, reached)
    close(stepped(Heun(), START, 0.5, 0.6, anneal=anneal), expected)


def test_a_step_of_multistep_extrapolates_the_prediction_by_half_a_step():
    middle = ddim(START, bent(START, 0.3), 0.3, 0.5)
    now, before = bent(middle, 0.5), bent(START, 0.3)
    expected = ddim(middle, now + 0.5 * (0.1 / 0.2) * (now - before), 0.5, 0.6)
    close(stepped(Multistep(), START, 0.3, 0.5, 0.6), expected)


def test_a_step_of_em_draws_from_the_posterior():
    mean, spread = posterior(START, bent(START, 0.5), 0.5, 0.6)
    close(stepped(EulerMaruyama(), START, 0.5, 0.6, noise=known_noise(Z)), mean + spread * Z)


def test_a_plain_euler_step_of_em():
    """x - [beta x / 2 + beta s] du + sqrt(beta |du|) z, backwards in u."""
    (alpha, sigma), beta, h = levels(0.5), 0.1 + 19.9 * 0.5, 0.1
    score = (alpha * bent(START, 0.5) - START) / sigma**2
    expected = START + (beta * START / 2 + beta * score) * h + math.sqrt(beta * h) * Z
    euler = GaussianStep(euler=True)
    close(stepped(EulerMaruyama(), START, 0.5, 0.6, noise=known_noise(Z), settings=euler), expected)


@pytest.mark.parametrize("size", ["crystal", "expected"])
@pytest.mark.parametrize("predictor", ["ode", "em"])
def test_pc_corrects_first_at_t_and_evaluates_again(predictor, size):
    settings = PredictorCorrectorSettings(tau=TAU, corrector=size, predictor=predictor)
    corrected = langevin(START, bent(START, 0.5), 0.5, Z, size)
    again = bent(corrected, 0.5)
    expected = ddim(corrected, again, 0.5, 0.6)
    if predictor == "em":
        mean, spread = posterior(corrected, again, 0.5, 0.6)
        expected = mean + spread * Z.flip(1)
    noise = known_noise(Z, Z.flip(1))
    close(stepped(PredictorCorrector(settings), START, 0.5, 0.6, noise=noise), expected)


@pytest.mark.parametrize("size", ["crystal", "expected"])
def test_pc_with_the_predictor_first_corrects_at_t_next(size):
    settings = PredictorCorrectorSettings(tau=TAU, corrector=size, order="predictor-first")
    ahead = ddim(START, bent(START, 0.5), 0.5, 0.6)
    expected = langevin(ahead, bent(ahead, 0.6), 0.6, Z, size)
    close(stepped(PredictorCorrector(settings), START, 0.5, 0.6, noise=known_noise(Z)), expected)


# Weak order: for normal data every step is linear in the state and in each draw, so the variance is followed exactly.

SPREAD = 0.4


def normal_data(x: torch.Tensor, t: float) -> torch.Tensor:
    """E[x0 | x] for data of mean 0 and the standard deviation SPREAD."""
    alpha, sigma = levels(t)
    return alpha * SPREAD**2 / ((alpha * SPREAD) ** 2 + sigma**2) * x


def variance(method: Method, draws: int, steps: int, first: float, last: float) -> float:
    """Variance of the state at the last time, from the exact one at the first. Each channel has its own source."""
    state, *sources = torch.eye(draws + 1, 6, dtype=torch.float64).unsqueeze(1).expand(-1, 2, -1)
    alpha, sigma = levels(first)
    found = (alpha * SPREAD) ** 2 + sigma**2
    grid = torch.linspace(first, last, steps + 1, dtype=torch.float64).tolist()
    for t, then in pairwise(grid):
        moved = stepped(method, state, t, then, noise=known_noise(*sources), network=normal_data)
        kept, *fresh = moved[0, : draws + 1].square().tolist()
        found = kept * found + sum(fresh)
    return found


STOCHASTIC = {
    "em": (EulerMaruyama(), 1),
    "pc-stochastic": (
        PredictorCorrector(PredictorCorrectorSettings(tau=TAU, corrector="expected", predictor="em")),
        2,
    ),
}


@pytest.mark.parametrize("name", STOCHASTIC)
def test_the_variance_converges_at_first_order(name):
    """To the exact one for em; with a corrector of a fixed size to one that differs by what this size costs."""
    method, draws = STOCHASTIC[name]
    alpha, sigma = levels(0.8)
    exact = (alpha * SPREAD) ** 2 + sigma**2
    found = [variance(method, draws, steps, 0.3, 0.8) for steps in (12, 24, 48, 96)]
    limit = found[-1] + (found[-1] - found[-2])
    assert limit == pytest.approx(exact, rel=1e-3 if name == "em" else 0.2)
    gaps = [abs(one - other) for one, other in pairwise(found)]
    orders = [math.log2(one / other) for one, other in pairwise(gaps)]
    assert all(0.8 < order < 1.3 for order in orders), (found, orders)


# Settings at their limits


@pytest.mark.parametrize("name", BUILT_IN)
def test_one_step_ends_on_the_prediction(name):
    """From t = 0 to 1 in one go: the noise of the last step has no width."""
    found = stepped(
        BUILT_IN[name](), START, 0.0, 1.0, noise=known_noise(Z, Z), network=lambda x, t: START / 3
    )
    close(found, START / 3)


def test_a_vanishing_corrector_leaves_the_predictor():
    settings = PredictorCorrectorSettings(tau=1e-20, corrector="expected")
    found = stepped(PredictorCorrector(settings), START, 0.5, 0.6, noise=known_noise(Z))
    torch.testing.assert_close(found, stepped(Flow(), START, 0.5, 0.6), rtol=0, atol=1e-8)


def test_the_strongest_annealing_goes_to_the_data_in_the_second_step():
    """The first begins at t = 0, where the factor 1 + s t is 1."""
    first = ddim(START, bent(START, 0.0), 0.0, 0.1)
    assert not torch.allclose(first, bent(START, 0.0), atol=1e-3)
    close(stepped(Flow(), START, 0.0, 0.1, anneal=1000.0), first)
    close(stepped(Flow(), START, 0.0, 0.1, 0.2, anneal=1000.0), bent(first, 0.1))


def test_at_temperature_zero_the_most_probable_species_is_drawn():
    process, mask = Masked(MaskedSettings()), torch.ones(200, 3, dtype=torch.bool)
    logits = torch.randn(200, 3, process.target_width, generator=torch.Generator().manual_seed(0))
    noise, zero = Noise.of(0, torch.arange(200)), torch.zeros(200)
    state = process.prior(mask, noise.at(0))
    likely = logits.argmax(-1) + 1
    for temperature, share in ((0.0, 1.0), (1.0, 0.06)):
        move = Move(zero, zero + 1, mask, noise, settings=MaskedStep(temperature=temperature))
        drawn = process.step(state, logits, move)["x"]
        assert (drawn == likely).float().mean().item() == pytest.approx(share, abs=0.05)


LIMITS = {
    "fine-power": {"power": 7.0, "steps": 20},
    "finest-power": {"power": 100.0, "steps": 5},
    "coarsest-power": {"power": 0.01, "steps": 5},
    "fine-karras": {"power": 0.01, "steps": 5, "grid": "karras"},
    "coarse-karras": {"power": 100.0, "steps": 5, "grid": "karras"},
    "hardly-a-way": {"noise_left": 1 - 1e-6, "steps": 3},
    "one-step": {"steps": 1},
    "annealed": {"anneal_frac": 1000.0, "anneal_lattice": 1000.0, "anneal_species": 1000.0, "steps": 5},
    "largest-corrector": {"tau": 100.0, "steps": 5},
    "plain-euler": {"power": 7.0, "steps": 20, "euler": True},
}
LIMITED = [example for example in EXAMPLES if example.name in (
    "gaussian-x0-linear", "gaussian-epsilon-cosine", "kinetic-direct", "wrapped-normal-none",
    "interpolant-torus-root-gamma", "masked-linear",
)]  # fmt: skip


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("name", BUILT_IN)
def test_settings_at_their_limits_draw_finite_numbers(name, limit):
    """Grids may be finer than float32 near the data, where steps have no length."""
    settings = SamplerSettings(name, **LIMITS[limit])
    for example in LIMITED:
        process, mask, noise = example.process, example.mask(2), Noise.of(0, torch.arange(2))

        class Perfect(CrystalModel):
            def denoise(self, states, t, mask, guess=None, condition=None, example=example, noise=noise):
                return {"x": example.perfect(example.process.corrupt(example.points, t, mask, noise.at(7)))}

        model = Perfect({"x": process}, LogLengthsTanAngles(), Denoiser())
        for _, states in trajectory(model, mask, settings, noise):
            numbers = [part for part in states["x"].values() if part.is_floating_point()]
            assert all(torch.isfinite(part).all() for part in numbers), example.name
