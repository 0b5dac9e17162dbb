"""Every recipe, shrunk: it trains, is saved and loaded, and draws crystals with its own sampler.

Sizes of one recipe that are the same but for their name and length of training once shrunk are trained once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from nucleate.predictor import Predictor, load
from nucleate.processes.fixed import Fixed
from nucleate.recipes.base import Components, Recipe, scaled
from nucleate.recipes.registry import get_recipe, recipe_from_dict, recipes
from nucleate.runs.devices import Hardware
from nucleate.runs.train import train_recipe
from nucleate.sampling.generator import Generated
from nucleate.settings import to_dict
from nucleate.training.settings import TrainingSettings
from tests.training.tiny import SHRINK, losses, mixed_sizes, random_table, write_dataset

SMALL = (
    *SHRINK, "cspnet.width=32", "cspnet.layers=1", "cspnet.frequencies=8", "training.precision=32-true",
    "training.validate_every=1000", "training.checkpoint_every=1000", "training.slices=1",
)  # fmt: skip
STEPS, NFE = 3, 4


DIFFUSIONS = {
    name: recipe for name, recipe in recipes().items() if isinstance(recipe, Recipe) and not recipe.base
}
"""Those made of processes and a network; other kinds have tests of their own."""


def alike(name: str) -> Recipe:
    """What is left of a recipe for these tests: the same for two recipes that differ in size only."""
    recipe = get_recipe(name, list(SMALL))
    return replace(recipe, name="", training=TrainingSettings(), sampler=scaled(recipe.sampler, NFE))


DISTINCT = list({alike(name): name for name in reversed(DIFFUSIONS)}.values())[::-1]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("every") / "data"
    return write_dataset(
        folder, train=random_table(mixed_sizes(8 * STEPS)), val=random_table(mixed_sizes(4, 1), 1)
    )


def drawn(predictor: Predictor) -> list[Generated]:
    """Two crystals of LiFeO, given or invented, by the model's own sampler."""
    from nucleate.sampling.request import formula_requests

    if predictor.recipe.task == "csp":
        requests = formula_requests(["LiFeO2"], 2, predictor.limits, (1,))
    else:
        requests = predictor.inventions(2, atoms=(3, 5))
    made = [one for batch in predictor.draw(requests, scaled(predictor.recipe.sampler, NFE)) for one in batch]
    return sorted(made, key=lambda one: one.request.sample)


@pytest.mark.parametrize("name", list(recipes()))
def test_a_recipe_is_found_again_from_its_run(name):
    assert recipe_from_dict(to_dict(recipes()[name])) == recipes()[name] == get_recipe(name)


@pytest.mark.parametrize("name", list(DIFFUSIONS))
def test_every_recipe_states_its_task_and_its_species_agree(name):
    recipe = recipes()[name]
    assert any("task" in vars(kind) for kind in type(recipe).__mro__ if kind is not Recipe)
    assert recipe.task == ("csp" if isinstance(recipe.parts().species, Fixed) else "dng")


@dataclass(frozen=True)
class Untold(Recipe):
    """As a recipe of another package may be: it says no task, and what it draws is called otherwise."""

    elements: str = "given"

    def parts(self) -> Components:
        return replace(recipes()["cross"], species=self.elements).parts()


@dataclass(frozen=True)
class Told(Untold):
    task = "csp"

    def parts(self) -> Components:
        raise AssertionError("what is said is not looked up")


def test_a_recipe_that_says_no_task_has_that_of_its_parts():
    assert Untold().task == "csp"
    assert Untold(elements="masked").task == "dng"
    assert Told(elements="masked").task == "csp"


def _can_correct(recipe: Recipe) -> bool:
    parts = recipe.parts()
    return any("correction" in process.can for process in (parts.species, parts.frac, parts.lattice))


def test_no_recipe_uses_the_biased_corrector_by_default():
    """`crystal` draws lattices too wide at any number of steps (tests/processes/test_corrector.py).

    It is read by `pc` alone, which may be asked for with any of them.
    """
    corrected = {name: one.sampler for name, one in DIFFUSIONS.items() if _can_correct(one)}
    assert {
        "kldm-csp",
        "kldm-dng-masked-small",
        "equicsp-csp-tiny",
        "cross",
        "diffcsp-csp",
    } <= corrected.keys()
    assert {sampler.corrector for sampler in corrected.values()} == {"expected"}
    assert get_recipe("kldm-csp").samplers["code"].corrector == "crystal"


def test_trained_recipes_cover_all_distinct_ones():
    trained = {alike(name) for name in DISTINCT}
    assert trained == {alike(name) for name in DIFFUSIONS}
    assert len(DISTINCT) == len(trained)
    assert {type(one) for one in trained} == {type(one) for one in DIFFUSIONS.values()}


@pytest.mark.parametrize("name", DISTINCT)
def test_it_trains_is_loaded_and_draws(name, data, tmp_path):
    recipe, run = get_recipe(name, list(SMALL)), tmp_path / "run"
    outcome = train_recipe(recipe, data, run, epochs=1, hardware=Hardware(accelerator="cpu"), visible=False)
    assert outcome.counters.step == STEPS
    assert np.isfinite(losses(run)[-1]["val/total"])
    predictor = load(run)
    assert predictor.recipe == recipe
    found = drawn(predictor)
    assert len(found) == 2
    assert abs(found[0].cost.nfe - NFE) <= 1
    for one in found:
        crystal = one.crystal
        assert torch.isfinite(crystal.lattice).all()
        assert torch.isfinite(crystal.frac).all()
        assert ((crystal.species >= 1) & (crystal.species <= 100)).all()
        if recipe.task == "csp":
            assert sorted(crystal.species[0].tolist()) == [3, 8, 8, 26]


@pytest.mark.parametrize("name", ["flowmm-csp-tiny", "diffcsp-dng-small"])
def test_self_conditioning_is_an_option_of_any_recipe(name, data, tmp_path):
    recipe = replace(get_recipe(name, list(SMALL)), self_conditioning=True)
    train_recipe(recipe, data, tmp_path, epochs=1, hardware=Hardware(accelerator="cpu"), visible=False)
    assert all(torch.isfinite(one.crystal.lattice).all() for one in drawn(load(tmp_path)))
