"""Element systems are never left, by any species codec and process, with any weights."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from nucleate.codecs.species import species_codec
from nucleate.errors import FormulaError, ModelError
from nucleate.geometry.noise import Noise
from nucleate.predictor import templates
from nucleate.recipes.registry import get_recipe
from nucleate.sampling.allowed import orbits_of
from nucleate.sampling.diffusion import DiffusionGenerator
from nucleate.sampling.generate import generate
from nucleate.sampling.limits import Limits
from nucleate.sampling.request import Request
from nucleate.sampling.settings import SamplerSettings
from tests.models import SHRINK

SYSTEM = (3, 8, 15, 26)
RECIPES = ("kldm-dng-masked-small", "kldm-dng-onehot-small", "kldm-dng-bits-small", "flowmm-dng-small",
           "crystalflow-dng-small", "diffcsp-dng-small", "omatg-dng-small")  # fmt: skip
METHODS = ("em", "pc", "multistep", "ode", "heun")


def wild(recipe: str):
    """An untrained model that says anything."""
    model = get_recipe(recipe, SHRINK).build().eval()
    torch.manual_seed(0)
    for head in model.network.heads.values():
        torch.nn.init.normal_(head[-1].weight, std=3.0)
    model.codec.fit(torch.eye(3) * torch.tensor([3.0, 4.0, 5.0]).reshape(3, 1, 1), torch.tensor([1, 2, 5]))
    return model


def requests(n: int, required=(), allowed=SYSTEM) -> list[Request]:
    return [
        Request((0,) * (4 + k % 3), "generated", "", k, allowed=allowed, required=required) for k in range(n)
    ]


def drawn(model, asked, method="em", steps=3, edges=4096) -> list[set[int]]:
    made = generate(model, asked, SamplerSettings(method, steps=steps), 0, edges=edges)
    return [set(one.crystal.species[0].tolist()) for batch in made for one in batch]


@pytest.mark.parametrize("recipe", RECIPES[:3])
def test_ten_thousand_draws(recipe):
    systems = drawn(wild(recipe), requests(10_000, SYSTEM), steps=2, edges=50_000)
    assert len(systems) == 10_000
    assert all(one == set(SYSTEM) for one in systems)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("method", METHODS)
def test_every_recipe_by_every_method(recipe, method):
    model = wild(recipe)
    kind = SamplerSettings(method).made()
    try:
        kind.check(model.processes)
    except Exception:
        pytest.skip("a process can't")
    assert all(one <= set(SYSTEM) for one in drawn(model, requests(20), method))
    assert all(one == set(SYSTEM) for one in drawn(model, requests(20, SYSTEM), method))


def test_without_a_system_the_same_models_leave_it():
    """The test above can fail."""
    for recipe in RECIPES:
        assert any(not one <= set(SYSTEM) for one in drawn(wild(recipe), requests(20, allowed=())))


def test_others_of_a_batch_are_free():
    model = wild(RECIPES[0])
    asked = [Request((0,) * 4, "generated", "", k) for k in range(20)]
    alone = drawn(model, asked)
    assert drawn(model, [*asked, *requests(3)])[: len(asked)] == alone


def test_required_elements_on_the_sites_of_a_space_group():
    limits = Limits(frozenset(range(1, 100)), 12, {}, {4: 1.0})
    made = templates.inventions(12, 0, limits, 139, (3, 12), kinds=3)
    asked = [replace(one, allowed=(3, 8, 26), required=(3, 8, 26)) for one in made]
    assert all(len(orbits_of(one)) >= 3 for one in asked)
    for batch in generate(wild(RECIPES[0]), asked, SamplerSettings("em", steps=3), 0):
        for one in batch:
            species = one.crystal.species[0]
            assert set(species.tolist()) == {3, 8, 26}
            for orbit in orbits_of(one.request):
                assert len(set(species[orbit].tolist())) == 1


def test_too_few_sites_for_what_has_to_be_there():
    with pytest.raises(FormulaError, match="2 free sites can't hold Li, O, P, Fe") as caught:
        drawn(wild(RECIPES[0]), [Request((0, 0), "generated", "", 0, allowed=SYSTEM, required=SYSTEM)])
    assert caught.value.hint


def test_a_model_that_is_given_all_elements_keeps_to_none():
    recipe = get_recipe("kldm-csp-tiny", SHRINK)
    generator = DiffusionGenerator("made", "", recipe.build(), "csp", recipe.sampler, {})  # pyright: ignore
    with pytest.raises(ModelError, match="is given all elements and chooses none"):
        generator.draw([Request((3,), "Li", "Li", 0, allowed=(3,))])


@pytest.mark.parametrize("representation", ["onehot", "bits"])
def test_expected_codes_of_allowed_elements(representation):
    """Against the posterior by enumeration: of bits as independent, of unit vectors as the elements' probabilities."""
    codec = species_codec(representation)
    torch.manual_seed(0)
    shares = torch.softmax(torch.randn(100), 0)
    mean = shares @ codec.codes
    allowed = torch.zeros(1, 1, 100, dtype=torch.bool)
    allowed[..., [2, 7, 25]] = True
    if representation == "onehot":
        odds = shares
    else:
        odds = torch.stack([torch.prod((1 + mean * code) / 2) for code in codec.codes])
    odds = odds * allowed[0, 0]
    expected = (odds / odds.sum()) @ codec.codes
    torch.testing.assert_close(
        codec.restricted(mean.reshape(1, 1, -1), allowed)[0, 0], expected, rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize("recipe", RECIPES[1:6])
def test_a_prediction_towards_given_data_ends_there(recipe):
    model = wild(recipe)
    process, mask = model.processes["species"], torch.ones(2, 3, dtype=torch.bool)
    data = model.species_codec.encode(torch.tensor([[3, 8, 26], [1, 2, 3]]), mask)
    t = torch.tensor([0.3, 0.7])
    state = process.corrupt(data, t, mask, Noise.of(0, torch.arange(2))).state
    said = torch.randn(2, 3, process.target_width, generator=torch.Generator().manual_seed(0))
    aimed = process.towards(state, said, data, t, mask)
    torch.testing.assert_close(process.endpoint(state, aimed, t, mask), data, rtol=1e-3, atol=1e-3)
