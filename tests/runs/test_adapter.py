"""Adapters: trained beside a frozen model, saved by themselves, put back into the model that they belong to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from nucleate.errors import ModelError, RecipeError, TrainingError
from nucleate.model.crystal_model import CrystalModel
from nucleate.predictor import load, templates
from nucleate.predictor.find import find_adapter
from nucleate.recipes.adapter import adapter_recipe, adapter_training
from nucleate.recipes.registry import get_recipe
from nucleate.runs.adapter import Adapter, OnBase
from nucleate.runs.devices import Hardware
from nucleate.runs.model_folder import checksum, load_model, read_card, save_model
from nucleate.runs.train import train_recipe
from nucleate.sampling.limits import Limits
from nucleate.sampling.request import Request
from tests.training.tiny import SHRINK, losses, mixed_sizes, random_table, write_dataset

SMALL = [
    *(one for one in SHRINK if not one.startswith("training")),
    "cspnet.width=16", "cspnet.layers=2", "cspnet.frequencies=3", "cspnet.time_width=8", "sampler.steps=4",
]  # fmt: skip
RECIPES = {
    "dng": ("kldm-dng-masked-small", "torus-transformer"),
    "csp": ("kldm-csp-tiny", "torus-transformer"),
    "dng of messages": ("kldm-dng-masked-small", "cspnet"),
    "csp of messages": ("kldm-csp-tiny", "cspnet"),
    "flow": ("flowmm-dng-small", "torus-transformer"),
}
LIMITS = Limits(frozenset({3, 8, 26}), 8, {}, {4: 1.0})


def table(count: int, seed: int = 0):
    made, rng = random_table(mixed_sizes(count, seed), seed), np.random.default_rng(seed)
    return replace(made, properties={"tc": rng.uniform(0, 10, count), "gap": rng.uniform(0, 3, count)})


@pytest.fixture
def data(tmp_path):
    return write_dataset(tmp_path / "data", train=table(48), val=table(9, 1))


def base(folder: Path, name: str = "dng", seed: int = 0) -> Path:
    recipe_name, network = RECIPES[name]
    recipe = get_recipe(recipe_name, [f"network={network}", *SMALL, f"training.seed={seed}"])
    model = recipe.build()
    model.fit(table(20))
    torch.manual_seed(seed)
    for head in model.network.heads.values():
        for p in head.parameters():
            torch.nn.init.normal_(p, std=0.3)
    card = {
        "elements": [3, 8, 26],
        "largest_cell": 8,
        "sizes": {"2": 0.5, "4": 0.5},
        "data": {"name": "made"},
    }
    save_model(folder, model, recipe, card)
    return folder


def adapt(folder: Path, data: Path, run: Path, name: str = "tc", model=None, **options):
    model, own, _ = (model, *load_model(folder)[1:]) if model is not None else load_model(folder)
    assert isinstance(model, CrystalModel)
    fast = replace(
        adapter_training(), batch=8, warmup=2, validate_every=10, checkpoint_every=5, learning_rate=0.02
    )
    recipe = adapter_recipe(name, "base", checksum(folder), own, (name,), fast)
    return train_recipe(
        recipe, data, run, hardware=Hardware(accelerator="cpu"), visible=False, subject=OnBase(model),
        **{"epochs": 2, **options},
    )  # fmt: skip


def crystals(predictor, requests):
    made = [one for batch in predictor.draw(requests) for one in batch]
    return sorted(made, key=lambda one: one.request.sample)


def asked(name: str, n: int = 4) -> list[Request]:
    if name.startswith("csp"):
        return [Request((3, 8, 8), "LiO2", "LiO2", k) for k in range(n)]
    return [Request((0,) * 3, "generated", "", k) for k in range(n)]


@pytest.mark.parametrize("name", RECIPES)
def test_nothing_asked_is_the_base_bit_for_bit(name, data, tmp_path):
    """In composition given and invented, by both networks, with one adapter and with two, and under a symmetry."""
    folder = base(tmp_path / "base", name)
    adapt(folder, data, tmp_path / "tc")
    adapt(folder, data, tmp_path / "gap", "gap")
    requests = asked(name)
    if name.startswith("dng"):
        made = templates.inventions(2, 0, LIMITS, 123, (2, 4))
        requests += [replace(one, sample=10 + k) for k, one in enumerate(made)]
    plain = crystals(load(folder, "cpu"), requests)
    for adapters in ([tmp_path / "tc"], [tmp_path / "tc", tmp_path / "gap"]):
        adapted = load(folder, "cpu", adapters=adapters)
        for one, other in zip(plain, crystals(adapted, requests), strict=True):
            for part in ("species", "frac", "lattice"):
                assert torch.equal(getattr(one.crystal, part), getattr(other.crystal, part))
        told = [replace(request, condition=(("tc", 9.0),)) for request in requests]
        same_noise = replace(requests[0], condition=())
        assert same_noise.key == requests[0].key
        assert any(
            not torch.equal(one.crystal.lattice, other.crystal.lattice)
            for one, other in zip(plain, crystals(adapted, told), strict=True)
        )


def test_only_the_adapter_is_trained_and_saved(data, tmp_path):
    folder = base(tmp_path / "base")
    before, trained = load_file(folder / "weights.safetensors"), load_model(folder)[0]
    adapt(folder, data, tmp_path / "tc", model=trained)
    assert all(torch.equal(x, trained.state_dict()[name]) for name, x in before.items())
    tensors = load_file(tmp_path / "tc" / "model" / "weights.safetensors")
    assert not any(name.startswith("network") for name in tensors)
    assert any(name.startswith("adds.") and bool(x.any()) for name, x in tensors.items())
    card = read_card(tmp_path / "tc" / "model" / "card.json")
    assert card["base"] == {"name": "base", "weights": checksum(folder)}
    assert card["parameters"] == sum(x.numel() for x in tensors.values())
    assert card["conditions"]["tc"]["known"] == 48
    model, _, _ = load_model(folder)
    assert isinstance(model, CrystalModel)
    Adapter.read(find_adapter(str(tmp_path / "tc"))).on(model, checksum(folder))
    after = model.state_dict()
    assert all(torch.equal(x, after[name]) for name, x in before.items())
    assert model.conditions == model.columns == ("tc",)


def test_a_run_of_an_adapter_is_resumed(data, tmp_path):
    folder = base(tmp_path / "base")
    adapt(folder, data, tmp_path / "whole", epochs=4)
    adapt(folder, data, tmp_path / "part", epochs=2)
    adapt(folder, data, tmp_path / "part", epochs=4, resume=True)
    adapt(folder, data, tmp_path / "part", epochs=4, resume=True)
    assert (
        [row["step"] for row in losses(tmp_path / "part")][-1] == losses(tmp_path / "whole")[-1]["step"] == 24
    )
    with pytest.raises(TrainingError, match="already holds a run"):
        adapt(folder, data, tmp_path / "part", epochs=4)
    with pytest.raises(TrainingError, match=r"other settings \(adapter, conditions, described\)"):
        adapt(folder, data, tmp_path / "part", "gap", epochs=6, resume=True)


def test_an_adapter_of_another_model_is_refused(data, tmp_path):
    folder, other = base(tmp_path / "base"), base(tmp_path / "other", seed=1)
    adapt(folder, data, tmp_path / "tc")
    with pytest.raises(ModelError, match=f"belongs to base with weights {checksum(folder)}") as caught:
        load(other, "cpu", adapters=[tmp_path / "tc"])
    assert "--model base" in caught.value.hint


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("tc", "tc"), "the adapter 'tc' is there twice"),
        (("nothing",), "no adapter '.*nothing'"),
        (("base",), "holds a model and no adapter"),
    ],
)
def test_what_is_no_adapter(names, message, data, tmp_path):
    folder = base(tmp_path / "base")
    adapt(folder, data, tmp_path / "tc")
    with pytest.raises(ModelError, match=message) as caught:
        load(folder, "cpu", adapters=[tmp_path / name for name in names])
    assert caught.value.hint


def test_an_adapter_is_no_model(data, tmp_path):
    adapt(base(tmp_path / "base"), data, tmp_path / "tc")
    with pytest.raises(ModelError, match="'tc' is an adapter of base and no model by itself") as caught:
        load(tmp_path / "tc", "cpu")
    assert "--adapter" in caught.value.hint


def test_two_adapters_of_one_condition(data, tmp_path):
    folder = base(tmp_path / "base")
    adapt(folder, data, tmp_path / "one")
    model, own, _ = load_model(folder)
    recipe = adapter_recipe("again", "base", checksum(folder), own, ("tc",), adapter_training())
    train_recipe(recipe, data, tmp_path / "two", epochs=1, visible=False, subject=OnBase(model))  # pyright: ignore
    with pytest.raises(ModelError, match="two adapters tell the network of tc"):
        load(folder, "cpu", adapters=[tmp_path / "one", tmp_path / "two"])


@pytest.mark.parametrize("name", ["a b", "", "own", "x.y"])
def test_names_that_adapters_can_not_have(name):
    with pytest.raises(RecipeError, match="can't be called") as caught:
        adapter_recipe(name, "base", "", get_recipe("kldm-csp-tiny"), ("tc",), adapter_training())
    assert caught.value.hint


def test_an_adapter_learns_what_it_is_told(tmp_path):
    """The edge of cubes, under a base that was never told."""
    made = random_table(mixed_sizes(64))
    edge = np.random.default_rng(0).uniform(3, 6, 64)
    made = replace(made, lattice=edge[:, None, None] * np.eye(3), properties={"tc": edge})
    data = write_dataset(tmp_path / "data", train=made, val=made.select(np.arange(9)))
    folder = base(tmp_path / "base", "csp")
    adapt(folder, data, tmp_path / "tc", epochs=30)
    adapted = load(folder, "cpu", adapters=[tmp_path / "tc"])
    requests = [replace(one, condition=(("tc", edge),)) for edge in (3.5, 5.5) for one in asked("csp", 8)]
    drawn = crystals(adapted, requests)
    volumes = {edge: [abs(float(torch.linalg.det(one.crystal.lattice[0]))) for one in drawn
                      if dict(one.request.condition)["tc"] == edge] for edge in (3.5, 5.5)}  # fmt: skip
    assert np.median(volumes[5.5]) > 2 * np.median(volumes[3.5])


def test_an_adapter_learns_in_the_order_of_its_models_atoms():
    for name, order in (("kldm-csp-tiny", "data"), ("nucleate-dng-small", "orbits")):
        found = adapter_recipe("tc", "base", "", get_recipe(name), ("tc",), adapter_training())
        assert found.training == replace(adapter_training(), order=order)
