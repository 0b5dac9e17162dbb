"""Pulls of requests: each crystal by its own, several at once, nothing for those that ask for none."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
import torch

from nucleate.crystals import mask_of
from nucleate.errors import FormulaError, ModelError
from nucleate.identity import canonical
from nucleate.properties.guidance import GradientSettings, guided
from nucleate.properties.objectives import Along, Towards
from nucleate.properties.predict import bounded, predict
from nucleate.properties.pulls import DOUBT, Pulls, objective_of
from nucleate.properties.soft import SoftCrystals
from nucleate.recipes.registry import get_recipe
from nucleate.sampling.generate import generate
from nucleate.sampling.limits import Limits
from nucleate.sampling.pull import Pull
from nucleate.sampling.request import new_requests
from nucleate.sampling.settings import SamplerSettings
from tests.properties.small import fitted, labelled_table
from tests.training.tiny import SHRINK, mixed_sizes, random_table

LIMITS = Limits(frozenset(range(1, 95)), 8, {}, {4: 1.0})
HIGH, LOW = Pull("hardness", "max", predictor="a"), Pull("hardness", 2.0, weight=5.0, stop=0.5, predictor="a")
SETTINGS = SamplerSettings("ode", steps=4)


@pytest.fixture(scope="module")
def model():
    made = get_recipe("kldm-dng-masked-small", list(SHRINK)).build()
    made.fit(random_table(mixed_sizes(20, 0), 0))
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in made.parameters():
            if not parameter.any():
                parameter.normal_(std=0.3)
    return made.eval()


@pytest.fixture(scope="module")
def guides():
    found = Pulls()
    found.models["a"] = fitted()
    return found


def asked(*pulls: tuple[Pull, ...]):
    return [
        replace(one, pulls=own)
        for one, own in zip(new_requests([4] * len(pulls), LIMITS), pulls, strict=True)
    ]


def drawn(model, guides, requests):
    found = [one for batch in generate(model, requests, SETTINGS, 0, guides=guides) for one in batch]
    return {one.request.key: one.crystal for one in found}


def test_a_crystal_is_the_same_whatever_its_neighbours_ask(model, guides):
    requests = asked((), (HIGH,), (LOW,))
    together = drawn(model, guides, requests)
    for one in requests:
        alone = drawn(model, guides, [one])[one.key]
        assert torch.equal(alone.species, together[one.key].species)
        torch.testing.assert_close(alone.frac, together[one.key].frac, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(alone.lattice, together[one.key].lattice, atol=1e-4, rtol=1e-4)
    plain = drawn(model, None, [requests[0]])
    torch.testing.assert_close(plain[requests[0].key].lattice, together[requests[0].key].lattice)


def test_it_is_the_guidance_from_python(model, guides):
    mask = mask_of(torch.tensor([4, 4]))
    requests = asked((HIGH,), (HIGH,))
    states = {name: p.prior(mask, _noise()) for name, p in model.processes.items()}
    t = torch.full((2,), 0.4)

    def ask(others, when):
        return model.denoise(others, when, mask)

    ours = guides.of(requests, model, mask)(ask(states, t), states, t, ask)
    settings = GradientSettings(weight=HIGH.weight)
    expected = guided(model, mask, Along(guides.models["a"], doubt=DOUBT), settings)(
        ask(states, t), states, t, ask
    )
    for name, value in expected.items():
        torch.testing.assert_close(ours[name], value)
        assert not torch.equal(value, ask(states, t)[name])


def _noise():
    from nucleate.geometry.noise import Noise

    return Noise.of(0, torch.arange(2))


def test_outside_its_times_nothing_pulls(model, guides):
    mask, t = mask_of(torch.tensor([4])), torch.full((1,), 0.6)
    states = {name: p.prior(mask, _noise_of_one()) for name, p in model.processes.items()}
    said = model.denoise(states, t, mask)
    guidance = guides.of(asked((LOW,)), model, mask)
    assert guidance(said, states, t, lambda *_: pytest.fail("nothing is asked")) == said


def _noise_of_one():
    from nucleate.geometry.noise import Noise

    return Noise.of(0, torch.arange(1))


def test_what_a_pull_raises(guides):
    one = guides.models["a"]
    assert isinstance(objective_of(LOW, one), Towards)
    low = objective_of(Pull("hardness", "min"), one)
    assert isinstance(low, Along)
    assert (low.sign, low.doubt) == (-1.0, DOUBT)


def test_there_is_nothing_to_gain_beyond_the_labels():
    model = fitted()
    model.ends = (-1e9, 0.0)  # all crystals are beyond
    crystals = labelled_table(4).batch([0, 1, 2, 3])
    soft = SoftCrystals.of(crystals)
    lattice = soft.lattice.clone().requires_grad_()
    value = Along(model)(replace(soft, lattice=lattice), torch.ones(4))
    assert torch.equal(value, torch.zeros(4))
    value.sum().backward()
    assert not lattice.grad.any()


def test_what_is_reported_lies_within_the_labels():
    model, table = fitted(), labelled_table(50, 3)
    found = predict(model, table)
    low, high = (float(x) for x in torch.tensor(found.value).quantile(torch.tensor([0.2, 0.8]).double()))
    kept = bounded(found, (low, high))
    assert (kept.value.min(), kept.value.max()) == (low, high)
    assert kept.high.max() <= high
    beyond = Counter("beyond all labels" in text for text in kept.warnings)
    assert beyond[True] == int(((found.value < low) | (found.value > high)).sum()) > 0
    assert (kept.value[10] == found.value[10]) == ("beyond" not in kept.warnings[10])


def test_a_predictor_that_is_not_there_is_refused(guides):
    with pytest.raises(ModelError, match="predictor b of hardness is not loaded"):
        guides.check(asked((replace(HIGH, predictor="b"),)))
    guides.check(asked((HIGH,)))


def test_pulls_are_in_identities_only_where_they_are():
    plain, pulled = asked((), (HIGH,))
    assert "pull" not in plain.identity
    assert canonical(HIGH) in pulled.identity
    assert replace(pulled, pulls=(replace(HIGH, predictor="b"),)).identity != pulled.identity


@pytest.mark.parametrize("bad", [{"weight": -1.0}, {"start": 0.5, "stop": 0.5}])
def test_pulls_that_can_not_be(bad):
    with pytest.raises(FormulaError):
        replace(HIGH, **bad)
