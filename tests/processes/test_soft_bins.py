"""A distribution over bins as an answer: its mean, its loss, and a model that trains and draws with it."""

from __future__ import annotations

import math

import pytest
import torch

from nucleate.errors import RecipeError
from nucleate.geometry.noise import Noise
from nucleate.geometry.torus import TAU, wrap
from nucleate.geometry.wrapped_normal import fisher_information, log_density
from nucleate.processes.base import Noised
from nucleate.processes.kinetic import Kinetic, KineticSettings
from nucleate.processes.soft_bins import REACH, SoftBins
from nucleate.recipes.registry import get_recipe
from tests.training.tiny import SHRINK, mixed_sizes, random_table

TIMES = (0.02, 0.3, 0.6, 0.9, 0.99)
MANY = 300
MASK = torch.ones(MANY, 2, dtype=torch.bool)


def binned(**settings) -> Kinetic:
    return Kinetic(KineticSettings(**{"horizon": 3.0, "shown": "rest", "bins": 64, **settings}))


def corrupted(time: float) -> tuple[Kinetic, torch.Tensor, Noised]:
    """A process with bins, and what it makes of crystals at one time."""
    process, t = binned(), torch.full((MANY,), time)
    return process, t, process.corrupt(torch.rand(MANY, 2, 3), t, MASK, Noise.of(0, torch.arange(MANY)))


def certain(process: Kinetic, truth: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """Logits of the soft truth, by the circular distance from each bin's middle, one bin in, one at a time."""
    sigma = process.coefficients(t, truth)[2]
    reach = (REACH * sigma).clamp(max=math.pi)
    each = []
    for number in range(64):
        middle = -1 + (number + 0.5) / 32
        away = (truth / reach - middle).abs()
        each.append(-0.5 * (torch.minimum(away, 2 - away) * 32) ** 2)
    return torch.stack(each, -1).flatten(-2)


@pytest.mark.parametrize("time", TIMES)
def test_the_mean_of_a_certain_answer_is_the_score_of_the_true_displacement(time: float) -> None:
    process, t, noised = corrupted(time)
    assert noised.truth is not None
    answer = certain(process, noised.truth, t)
    prediction = process.mean(answer, t)
    sigma = process.coefficients(t, noised.truth)[2]
    asked = noised.truth.double().requires_grad_()
    density = log_density(asked, sigma.double().expand_as(asked), process.images).sum()
    (slope,) = torch.autograd.grad(density, asked)
    root = fisher_information(sigma.flatten()[:1]).sqrt()
    torch.testing.assert_close(prediction.double(), -slope / root, atol=0.02, rtol=0)
    # centred, it is the target of a network without bins
    plain = binned(bins=0).corrupt(torch.rand(MANY, 2, 3), t, MASK, Noise.of(0, torch.arange(MANY)))
    centred = prediction - prediction.mean(1, keepdim=True)
    torch.testing.assert_close(centred, plain.target, atol=0.03, rtol=0)


@pytest.mark.parametrize("time", TIMES)
def test_the_loss_is_the_divergence_from_the_soft_truth(time: float) -> None:
    process, t, noised = corrupted(time)
    assert noised.truth is not None
    answer = certain(process, noised.truth, t)
    assert process.answer_loss(answer, noised, t, MASK).abs().max() < 1e-5
    flat = process.answer_loss(torch.zeros_like(answer), noised, t, MASK)
    soft = torch.softmax(answer.unflatten(-1, (3, 64)), -1)
    entropy = -(soft * soft.clamp(min=1e-30).log()).sum(-1).mean((1, 2))
    torch.testing.assert_close(flat, math.log(64) - entropy)


def test_bins_reach_four_standard_deviations_and_at_most_half_the_circle() -> None:
    bins = SoftBins(8)
    assert bins.reach(torch.tensor([0.1, 2.0])).tolist() == pytest.approx([0.4, math.pi])
    assert bins.centres(torch.zeros(1)).tolist() == [
        -0.875,
        -0.625,
        -0.375,
        -0.125,
        0.125,
        0.375,
        0.625,
        0.875,
    ]


def test_an_answer_of_two_ways_has_the_mean_of_both() -> None:
    """Where the direction is open the mean says nothing, while the answer holds both ways."""
    bins, sigma = SoftBins(64, 1), torch.full((1, 1, 1), 0.2)
    number = torch.arange(64.0)
    logits = torch.logaddexp(-0.5 * (number - 10) ** 2, -0.5 * (number - 53) ** 2).expand(1, 1, 64)
    assert bins.mean(logits, lambda r, _: r, sigma).abs().max() < 1e-6
    one_way = bins.divergence(logits, bins.reach(sigma) * bins.centres(sigma)[10], sigma)
    between = bins.divergence(logits, torch.zeros(1, 1, 1), sigma)
    assert float(one_way) == pytest.approx(math.log(2), abs=1e-3)  # one of two that are equally likely
    assert float(between) > 100


def test_a_model_with_bins_trains_and_draws() -> None:
    recipe = get_recipe("kldm-csp-tiny", [*SHRINK, "frac.bins=16", "sampler.steps=2"])
    model, table = recipe.build(), random_table(mixed_sizes(6))
    model.fit(table)
    assert model.network.heads["frac"][-1].out_features == 48
    examples = model.examples(table, torch.device("cpu"))
    rows = torch.arange(6)
    losses = model(
        **examples.tensors(rows, int(table.sizes.max())), **model.drawn(0, 0, 6), keys=Noise.of(0, rows).keys
    )
    # an untrained network finds all bins equally likely
    assert (losses["frac"] > 0.3).all()
    assert (losses["frac"] < math.log(16)).all()
    cells = list(recipe.predicted(model, table, rows.numpy()))
    assert len(cells) == 6


def test_the_direct_parametrisation_has_no_bins() -> None:
    with pytest.raises(RecipeError, match="bins are of displacements"):
        get_recipe(
            "kldm-csp-tiny", ["frac.bins=16", "frac.parametrisation=direct", "frac.shown=state"]
        ).build()
    with pytest.raises(RecipeError, match=r"frac\.bins = -1 is too small"):
        KineticSettings(bins=-1)


def test_wrapped_displacements_stay_in_the_bins() -> None:
    t = torch.zeros(MANY)
    noised = binned().corrupt(torch.rand(MANY, 2, 3), t, MASK, Noise.of(0, torch.arange(MANY)))
    assert noised.truth is not None
    assert torch.equal(wrap(noised.truth), noised.truth)
    assert noised.truth.abs().max() <= TAU / 2
