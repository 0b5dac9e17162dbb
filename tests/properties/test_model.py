"""The predictor: what it is invariant to, its gradients, its noise, its intervals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from nucleate.errors import DataError, RecipeError
from nucleate.geometry.noise import Noise
from nucleate.networks.registry import get_network
from nucleate.properties.allen_dynes import critical_temperature
from nucleate.properties.composition import ELEMENTS
from nucleate.properties.labels import to_scale
from nucleate.properties.noising import Noising
from nucleate.properties.predict import predict
from nucleate.properties.soft import SoftCrystals, certain, posterior
from tests.properties.small import fitted, labelled_table, small_recipe

ONES = torch.ones(4, dtype=torch.float64)


def soft(rows: int = 4) -> SoftCrystals:
    return SoftCrystals.of(labelled_table(rows, 3).batch(list(range(rows)), torch.float64))


@pytest.mark.parametrize("network", ["torus-transformer", "cspnet"])
def test_names_of_atoms_and_the_origin_mean_nothing(network):
    model, crystals = fitted(f"network={network}").double(), soft()
    assert get_network(network)
    before = model.members(crystals, ONES)
    moved = replace(crystals, frac=(crystals.frac + torch.tensor([0.3, 0.1, 0.7])) % 1)
    torch.testing.assert_close(model.members(moved, ONES), before, rtol=1e-6, atol=1e-6)
    size = int(crystals.mask[0].sum())
    order = torch.arange(crystals.mask.shape[1])
    order[:size] = order[:size].flip(0)
    turned = replace(crystals, species=crystals.species[:, order], frac=crystals.frac[:, order])
    torch.testing.assert_close(model.members(turned, ONES)[0], before[0], rtol=1e-6, atol=1e-6)
    other = replace(crystals, frac=crystals.frac * 0.9)
    assert (model.members(other, ONES) - before).abs().max() > 1e-4


def test_gradients_are_those_of_finite_differences():
    model, crystals = fitted().double(), soft(2)

    def value(species, frac, lattice):
        return model.members(SoftCrystals(species, frac, lattice, crystals.mask), ONES[:2]).sum(1)

    # Away from pure elements, where the spread has a kink.
    species = 0.9 * crystals.species + 0.1 / ELEMENTS * crystals.mask.unsqueeze(-1)
    inputs = [x.clone().requires_grad_() for x in (species, crystals.frac, crystals.lattice)]
    grads = torch.autograd.grad(value(*inputs).sum(), inputs)
    generator = torch.Generator().manual_seed(0)
    for which, grad in enumerate(grads):
        way = torch.randn(inputs[which].shape, generator=generator, dtype=torch.float64)
        way = way * (crystals.mask.unsqueeze(-1) if which < 2 else 1)
        step = 1e-4
        ends = []
        for sign in (1, -1):
            moved = [x.detach() for x in inputs]
            moved[which] = moved[which] + sign * step * way
            ends.append(float(value(*moved).sum().detach()))
        slope = (ends[0] - ends[1]) / (2 * step)
        assert abs(float((grad * way).sum()) - slope) < 1e-3 * (1 + abs(slope))
        assert grad.abs().sum() > 0


def test_at_the_data_there_is_no_noise_and_earlier_there_is():
    batch = labelled_table(64, 2).batch(list(range(64)))
    channels, noise = torch.randn(64, 6), Noise.of(0, torch.arange(64))
    species, frac, lattice = Noising().draw(batch, channels, torch.ones(64), noise)
    assert torch.equal(species, certain(batch.species, batch.mask))
    assert torch.equal(frac, batch.frac)
    assert torch.equal(lattice, channels)
    species, frac, lattice = Noising().draw(
        batch, channels, torch.full((64,), 0.4), Noise.of(0, torch.arange(64))
    )
    assert (lattice - channels).abs().mean() > 0.5
    assert ((frac - batch.frac)[batch.mask]).abs().mean() > 0.05
    torch.testing.assert_close(species.sum(-1), batch.mask.float())
    same = (species == certain(batch.species, batch.mask)).flatten(1).all(1)
    hidden = species[..., 0].sum(1) > 0
    assert 20 < int(same.sum()) < 45
    assert 5 < int(hidden.sum()) < 30
    assert int((~same & ~hidden).sum()) > 5


def test_the_posterior_is_that_of_bayes():
    codes = torch.eye(5, dtype=torch.float64)
    x = torch.randn(2, 3, 5, dtype=torch.float64)
    alpha, sigma = torch.tensor([0.6, 0.2]).double(), torch.tensor([0.8, 0.98]).double()
    found = posterior(x, codes, alpha, sigma, torch.ones(2, 3, dtype=torch.bool))
    for crystal in range(2):
        distances = ((x[crystal, :, None] - alpha[crystal] * codes) ** 2).sum(-1)
        weights = torch.exp(-distances / (2 * sigma[crystal] ** 2))
        torch.testing.assert_close(found[crystal, :, 1:6], weights / weights.sum(-1, keepdim=True))
    assert not found[..., 0].any()


def test_intervals_hold_as_often_as_they_say():
    model = fitted(count=600)
    unseen = labelled_table(800, 5)
    found = predict(model, unseen)
    truth = unseen.properties["hardness"]
    for low, high in ((found.low, found.high), (found.ridge_low, found.ridge_high)):
        assert abs(((low <= truth) & (truth <= high)).mean() - 0.9) < 0.05
    assert (found.spread > 0).all()


def test_what_is_unlike_the_training_crystals_is_said():
    model, table = fitted(), labelled_table(20, 6)
    strange = table.species.copy()
    strange[table.atoms_of(0)] = 79
    found = predict(model, replace(table, species=strange))
    assert found.warnings[0] == "no training crystal holds Au"
    huge = table.lattice.copy()
    huge[1] *= 5
    found = predict(model, replace(table, lattice=huge))
    assert found.warnings[1] == "composition or volume unlike the training crystals"
    assert found.distance[1] > 1
    assert sum(map(bool, found.warnings)) <= 3


def test_a_prediction_does_not_depend_on_its_neighbours():
    model, table = fitted(), labelled_table(30, 7)
    together = predict(model, table)
    alone = np.concatenate([predict(model, table.select([row])).value for row in range(30)])
    np.testing.assert_allclose(together.value, alone, rtol=1e-5, atol=1e-6)


def test_members_don_t_see_the_same_crystals():
    examples = fitted("left_out=0.4").examples(labelled_table(), torch.device("cpu"))
    shares = examples.seen.mean(0)
    assert ((shares > 0.45) & (shares < 0.75)).all()
    assert len(examples.seen.unique(dim=1).T) == 5


@pytest.mark.parametrize("bodies", [1, 2, 5])
def test_bodies_are_shared_out_among_the_members(bodies):
    model = fitted(f"bodies={bodies}")
    assert len(model.networks) == bodies
    assert model.members(soft().__class__.of(labelled_table(3).batch([0, 1, 2])), torch.ones(3)).shape == (
        3,
        5,
    )


def test_through_allen_dynes_the_target_is_that_of_the_formula():
    model = fitted("target=tc", "through=allen-dynes")
    crystals = SoftCrystals.of(labelled_table(5).batch(list(range(5))))
    channels = model.codec.encode(crystals.lattice, crystals.mask.sum(1))
    t = torch.ones(5)
    outputs = model._outputs(crystals.species, crystals.frac, channels, t, crystals.mask)
    s = model.statistics
    coupling, omega = ((outputs[..., i] * s.width[i + 1] + s.loc[i + 1]).exp() for i in range(2))
    expected = to_scale(critical_temperature(coupling, omega), s.kind(0))
    torch.testing.assert_close(model.members(crystals, t), expected)


def test_what_is_left_out_is_not_learned_from():
    table = labelled_table()
    model = small_recipe("split_by=range", "held_out=0.2").build()
    model.fit(table)
    learned = model.examples(table, torch.device("cpu"))
    edge = np.quantile(table.properties["hardness"], 0.8)
    kept = dict(zip(table.ids, table.properties["hardness"], strict=True))
    assert max(kept[name] for name in learned.ids) <= edge
    assert not set(learned.ids) & set(model._calibration.ids)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        (["target="], RecipeError, "no target was given"),
        (["target=harness"], DataError, "no property 'harness' in the data set"),
        (["target=none"], DataError, "no crystal of the training split has a known none"),
        (["target=constant"], DataError, "with the same value, 2"),
        (["calibration=0.02"], DataError, "kept for calibration, and intervals of 90% need 9"),
        (["target=gap", "scale=log", "calibration=0.3"], None, ""),
    ],
)
def test_labels_that_nothing_can_be_learned_from(settings, error, words):
    model = small_recipe(*settings).build()
    if error is None:
        model.fit(labelled_table())
        return
    with pytest.raises(error, match=words) as caught:
        model.fit(labelled_table())
    assert caught.value.hint


def test_negative_labels_have_no_logarithm():
    table = labelled_table()
    table.properties["hardness"][3] = -1
    with pytest.raises(DataError, match="hardness has negative values, down to -1"):
        small_recipe("scale=log1p").build().fit(table)


@pytest.mark.parametrize("name", ["match_every=5", "symmetry=true"])
def test_settings_of_models_that_draw_are_refused(name):
    with pytest.raises(RecipeError, match="has no effect on a model that draws no crystals"):
        small_recipe(f"training.{name}")
