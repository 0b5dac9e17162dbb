"""The log-probability of a step against sums over all outcomes, and against what the step draws."""

from __future__ import annotations

import itertools

import pytest
import torch

from nucleate.errors import RecipeError
from nucleate.geometry.noise import Noise
from nucleate.geometry.torus import TAU
from nucleate.processes.base import Move
from nucleate.processes.gaussian import Gaussian, GaussianSettings, GaussianStep
from nucleate.processes.interpolant import Interpolant, InterpolantSettings
from nucleate.processes.kinetic import Kinetic, KineticSettings
from nucleate.processes.masked import Masked, MaskedSettings, MaskedStep
from nucleate.processes.wrapped_normal import WrappedNormal, WrappedNormalSettings

MANY = 20_000
OMATG = InterpolantSettings(gamma="root", gamma_scale=0.5, epsilon_scale=0.3, largest_kick=1.0, centred=False)
CASES = {
    "gaussian": (Gaussian(GaussianSettings()), None),
    "gaussian euler": (Gaussian(GaussianSettings()), GaussianStep(euler=True)),
    "gaussian of atoms": (Gaussian(GaussianSettings(), "species", 2, "atom"), None),
    "kinetic": (Kinetic(KineticSettings()), None),
    "kinetic uncentred": (Kinetic(KineticSettings(centred=False)), None),
    "wrapped normal": (WrappedNormal(WrappedNormalSettings()), None),
    "wrapped normal circular": (WrappedNormal(WrappedNormalSettings(centred="circular")), None),
    "interpolant of cells": (Interpolant(OMATG, "lattice", 6, "cell", "euclidean"), None),
    "interpolant on the torus": (Interpolant(OMATG), None),
    "masked": (Masked(MaskedSettings(remask=1.0)), MaskedStep(temperature=0.7)),
}


def move(count: int, atoms: int, t: float, t_next: float, settings=None) -> Move:
    mask = torch.arange(atoms + 1) < torch.full((count, 1), atoms)
    now, then = (torch.full((count,), value) for value in (t, t_next))
    return Move(now, then, mask, Noise.of(3, torch.arange(count)), settings=settings)


def one_state(process, mask, count: int):
    """A state and two predictions, many times over."""
    first = process.prior(mask[:1], Noise.of(1, torch.zeros(1, dtype=torch.long)))
    state = {name: x.expand(count, *x.shape[1:]) for name, x in first.items()}
    shape = (process.target_width,) if process.level == "cell" else (mask.shape[1], process.target_width)
    torch.manual_seed(0)
    one = torch.randn(1, *shape)
    other = one + 0.3 * torch.randn(1, *shape)
    return state, one.expand(count, *shape), other.expand(count, *shape)


@pytest.mark.parametrize("name", CASES)
def test_ratios_of_two_laws_average_to_one(name):
    """The mean over draws of p of q / p is 1, for any law q."""
    process, settings = CASES[name]
    own = move(MANY, 2, 0.3, 0.6, settings)
    state, said, other = one_state(process, own.mask, MANY)
    after = process.step(state, said, own)
    p = process.log_probability(state, after, said, own).double()
    q = process.log_probability(state, after, other, own).double()
    ratio = (q - p).exp()
    assert ratio.std() > 0.01
    assert ratio.mean().item() == pytest.approx(1, abs=5 * float(ratio.std()) / MANY**0.5)


def grid(dimensions: int, low: float, high: float, points: int) -> tuple[torch.Tensor, float]:
    """Points in the middles of equal boxes, [points^dimensions, dimensions], and the size of a box."""
    axis = low + (torch.arange(points) + 0.5) * (high - low) / points
    return torch.tensor(list(itertools.product(axis.tolist(), repeat=dimensions))), (
        (high - low) / points
    ) ** dimensions


@pytest.mark.parametrize("centred", [True, False])
def test_the_density_of_velocities_integrates_to_one(centred):
    process, atoms = Kinetic(KineticSettings(centred=centred)), 2 if centred else 1
    places, box = grid(3, -9, 9, 24)
    own = move(len(places), atoms, 0.5, 0.7)
    state, said, _ = one_state(process, own.mask, len(places))
    # the free vector of two centred atoms, as a rotation of their velocities has it
    velocity = torch.zeros(len(places), atoms + 1, 3)
    velocity[:, 0] = places / (2**0.5 if centred else 1)
    if centred:
        velocity[:, 1] = -velocity[:, 0]
    density = process.log_probability(state, {"velocity": velocity}, said, own).exp()
    assert (density.sum() * box).item() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("name", ["wrapped normal", "interpolant on the torus"])
def test_the_density_on_the_torus_integrates_to_one(name):
    process, _ = CASES[name]
    end = TAU / 2 if name.startswith("wrapped") else 0.5
    places, box = grid(3, -end, end, 24)
    own = move(len(places), 1, 0.3, 0.6)
    state, said, _ = one_state(process, own.mask, len(places))
    x = torch.zeros(len(places), 2, 3)
    x[:, 0] = places
    after = {next(iter(state)): x}
    density = process.log_probability(state, after, said, own).exp()
    assert (density.sum() * box).item() == pytest.approx(1, abs=0.01)


def test_probabilities_of_all_elements_sum_to_one():
    process, settings = CASES["masked"]
    own = move(101, 1, 0.3, 0.5, settings)
    state, said, _ = one_state(process, own.mask, 101)
    x = torch.zeros(101, 2, dtype=torch.long)
    x[:, 0] = torch.arange(101)
    total = process.log_probability(state, {"x": x}, said, own).exp().sum()
    assert total.item() == pytest.approx(1, abs=1e-4)


def test_the_density_of_a_gaussian_step_is_that_of_its_distribution():
    process, _ = CASES["gaussian"]
    own = move(7, 2, 0.3, 0.5)
    state, said, _ = one_state(process, own.mask, 7)
    after = process.step(state, said, own)
    law = process.distribution(state, said, own)
    expected = law.log_prob(after["x"]).sum(1)
    torch.testing.assert_close(process.log_probability(state, after, said, own), expected)


@pytest.mark.parametrize("name", ["gaussian", "wrapped normal", "interpolant of cells"])
def test_a_last_step_that_draws_nothing_counts_nothing(name):
    process, settings = CASES[name]
    own = move(3, 2, 0.9, 1.0, settings)
    state, said, _ = one_state(process, own.mask, 3)
    after = process.step(state, said, own)
    assert process.log_probability(state, after, said, own).eq(0).all()


def test_centred_noise_on_the_torus_has_no_density_that_is_known():
    for process in (WrappedNormal(WrappedNormalSettings(centred="noise")),
                    Interpolant(InterpolantSettings(gamma="root", centred=True))):  # fmt: skip
        assert "step" in process.can
        assert "probability" not in process.can
        own = move(2, 2, 0.3, 0.5)
        state, said, _ = one_state(process, own.mask, 2)
        with pytest.raises(RecipeError, match="no log-probability"):
            process.log_probability(state, state, said, own)
