"""Classifier-free guidance against its formula, on what each kind of network predicts."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from nucleate.arrays import Mask
from nucleate.data.described import Described, Descriptions
from nucleate.errors import ModelError
from nucleate.geometry.noise import Noise
from nucleate.recipes.registry import get_recipe
from nucleate.sampling.classifier_free import ClassifierFree
from nucleate.sampling.condition import condition_in
from nucleate.sampling.generate import generate
from nucleate.sampling.request import Request
from nucleate.sampling.settings import SamplerSettings
from tests.models import SHRINK

NAMES = ("gap", "system")
TOLD = Descriptions((("gap", Described()), ("system", Described("category", categories=("a", "b")))))
RECIPES = ("kldm-dng-masked-small", "kldm-dng-onehot-small", "flowmm-dng-small", "crystalflow-dng-small",
           "omatg-dng-small", "diffcsp-dng-small")  # fmt: skip
CPU = torch.device("cpu")


def model_of(recipe: str):
    """An untrained model that is told two things, with layers and heads that do something."""
    made = replace(get_recipe(recipe, SHRINK), conditions=NAMES, described=TOLD).build().eval()  # pyright: ignore
    torch.manual_seed(0)
    for head in made.network.heads.values():
        torch.nn.init.normal_(head[-1].weight, std=0.3)
    for layer in made.network.conditioning["own"].adds:
        torch.nn.init.normal_(layer.weight, std=1.0)
    made.codec.fit(torch.eye(3) * torch.tensor([3.0, 4.0, 5.0]).reshape(3, 1, 1), torch.tensor([1, 2, 5]))
    return made


def request(sample: int = 0, **asked) -> Request:
    return Request((0,) * 3, "generated", "", sample, **asked)


def parts(model, condition, mask: Mask):
    noise = Noise.of(0, torch.arange(len(mask)))
    states = {name: process.prior(mask, noise) for name, process in model.processes.items()}
    t = torch.full((len(mask),), 0.4)
    return states, t, mask, None, condition


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_formula(recipe):
    """base + sum (1 + w) (told - base), each part by a call of its own."""
    model = model_of(recipe)
    asked = [
        request(
            condition=(("gap", 1.0), ("system", 1.0)),
            guidance=(("gap", 2.0, 0.0, 1.0), ("system", 0.5, 0.0, 1.0)),
        )
    ]
    condition = condition_in(asked, NAMES, CPU, model.described)
    free = ClassifierFree.of(asked, model.described, NAMES, CPU)
    states, t, mask, _, _ = parts(model, condition, torch.ones(1, 3, dtype=torch.bool))
    before = model.evaluations
    with torch.no_grad():
        found = free(model, states, t, mask, None, condition)
        assert model.evaluations - before == 3
        base, gap, system = (
            model.denoise(states, t, mask, None, torch.tensor([row]))
            for row in ([torch.nan, torch.nan], [1.0, torch.nan], [torch.nan, 1.0])
        )
    for name, value in found.items():
        expected = base[name] + 3 * (gap[name] - base[name]) + 1.5 * (system[name] - base[name])
        assert not torch.allclose(gap[name], base[name])
        torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-5)


def test_each_crystal_has_its_own_guidance_whatever_its_batch():
    model = model_of(RECIPES[0])
    condition = (("gap", 1.0), ("system", 0.0))
    asked = [
        request(0), request(1, condition=condition),
        request(2, condition=condition, guidance=(("gap", 3.0, 0.0, 1.0),)),
        request(3, condition=condition[:1], guidance=(("gap", 1.0, 0.5, 1.0),)), request(4, condition=condition[1:]),
    ]  # fmt: skip
    settings = SamplerSettings("multistep", steps=4)
    together = [one for batch in generate(model, asked, settings, 0) for one in batch]
    for one in together:
        ((alone,),) = generate(model, [one.request], settings, 0)
        torch.testing.assert_close(one.crystal.frac, alone.crystal.frac, rtol=1e-3, atol=1e-4)
        assert torch.equal(one.crystal.species, alone.crystal.species)


def test_weight_nothing_is_the_plain_condition_and_an_interval_ends():
    model = model_of(RECIPES[0])
    plain = request(condition=(("gap", 1.0),))
    states, t, mask, _, condition = parts(
        model, condition_in([plain], NAMES, CPU, model.described), torch.ones(1, 3, dtype=torch.bool)
    )
    with torch.no_grad():
        expected = model.denoise(states, t, mask, None, condition)
        for guidance in ((("gap", 0.0, 0.0, 1.0),), (("gap", 5.0, 0.5, 1.0),), (("gap", 5.0, 0.0, 0.3),)):
            asked = [request(condition=plain.condition, guidance=guidance)]
            found = ClassifierFree.of(asked, model.described, NAMES, CPU)(
                model, states, t, mask, None, condition
            )
            assert all(torch.equal(found[name], expected[name]) for name in expected)
        asked = [request(condition=plain.condition, guidance=(("gap", 5.0, 0.3, 0.5),))]
        found = ClassifierFree.of(asked, model.described, NAMES, CPU)(model, states, t, mask, None, condition)
        assert not torch.equal(found["frac"], expected["frac"])


def test_without_guidance_there_is_none():
    assert ClassifierFree.of([request(condition=(("gap", 1.0),))], TOLD.each, NAMES, CPU) is None


def test_evaluations_are_counted_for_each_part_of_the_batch():
    model = model_of(RECIPES[0])
    asked = request(condition=(("gap", 1.0),), guidance=(("gap", 2.0, 0.0, 1.0),))
    ((made,),) = generate(model, [asked], SamplerSettings("em", steps=4), 0)
    assert made.cost.nfe == 8


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"guidance": (("gap", 1.0, 0.0, 1.0),)}, "guidance of gap, for which nothing is asked"),
        ({"condition": (("gap", 1.0),), "guidance": (("gap", -1.0, 0.0, 1.0),)}, "with weight -1"),
        ({"condition": (("gap", 1.0),), "guidance": (("gap", 1.0, 0.8, 0.2),)}, "from t = 0.8 to 0.2"),
        ({"condition": (("gap", (3, 8)),)}, "can't be asked for"),
    ],
)
def test_what_can_not_be_guided(asked, message):
    with pytest.raises(ModelError, match=message) as caught:
        list(generate(model_of(RECIPES[0]), [request(**asked)], SamplerSettings("em", steps=2), 0))
    assert caught.value.hint
