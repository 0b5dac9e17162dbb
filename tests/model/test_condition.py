"""The way of a condition: from the columns of a data set through training, and from requests through sampling, to what
a network is shown. The toy network here has no other source for the cell."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import nn

from nucleate.errors import DataError, ModelError, RecipeError
from nucleate.geometry.noise import Noise
from nucleate.networks import registry
from nucleate.networks.base import Denoiser, Shown
from nucleate.recipes.registry import get_recipe
from nucleate.runs.model_folder import load_model
from nucleate.sampling.condition import condition_in
from nucleate.sampling.generate import generate
from nucleate.sampling.request import Request
from nucleate.sampling.settings import SamplerSettings
from tests.training.tiny import losses, mixed_sizes, random_table, train, write_dataset

NAN = float("nan")
SEEN: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []
"""Condition, present and number of atoms of every crystal that the toy was shown."""


@dataclass(frozen=True)
class ToySettings:
    width: int = 16


class Toy(Denoiser):
    """Says the cell by the condition alone, and half a turn for every coordinate."""

    settings, takes_condition = ToySettings, True

    def __init__(self, settings: ToySettings, heads, shown: Shown) -> None:
        super().__init__()
        self.levels = {name: head.level for name, head in heads.items()}
        self.shown = shown
        self.told = nn.Sequential(nn.Linear(2 * shown.condition, settings.width), nn.SiLU())
        self.heads = nn.ModuleDict({name: nn.Linear(settings.width, h.width) for name, h in heads.items()})

    def forward(self, inputs, t, mask):
        condition, present = inputs["condition"], inputs["present"]
        SEEN.extend(zip(condition.detach(), present, mask.sum(1), strict=True))
        x = self.told(torch.cat([condition.nan_to_num(0), present.float()], -1))
        return self.answers(x.unsqueeze(1).expand(-1, mask.shape[1], -1), inputs["lattice"], mask)


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    monkeypatch.setattr(registry, "BUILT_IN", {**registry.BUILT_IN, "toy": Toy})
    SEEN.clear()


def table(count: int, seed: int = 0):
    """Cubes whose edge is the property `edge`; `atoms` is their number of atoms, not known of every third; a text."""
    made = random_table(mixed_sizes(count, seed), seed)
    edge = np.random.default_rng(seed).uniform(3, 6, count)
    atoms = np.where(np.arange(count) % 3 == 0, np.nan, made.sizes)
    words = np.array(["cube"] * count, dtype=object)
    properties = {"edge": edge, "atoms": atoms, "shape": words}
    return replace(made, lattice=edge[:, None, None] * np.eye(3), properties=properties)


@pytest.fixture
def data(tmp_path):
    return write_dataset(tmp_path / "data", train=table(48), val=table(9, 1))


TOLD = ("network=toy", 'conditions=["atoms", "edge"]')


def rows(found) -> set[tuple]:
    """Rows of a condition as words, NaN equal to itself."""
    return {tuple(f"{np.float32(value):.5f}" for value in row) for row in found}


def test_every_crystal_of_a_run_is_shown_with_its_own_numbers(data, tmp_path):
    """In training, in validation and where match rates are measured, by the order of the recipe."""
    assert train(
        data, tmp_path / "run", *TOLD, "training.match_every=6", "training.match_crystals=4", epochs=1
    )
    known = [(n, edge) for made in (table(48), table(9, 1)) for n, edge in made.numbers(["atoms", "edge"])]
    assert rows(row for row, _, _ in SEEN) == rows(known)
    for condition, present, atoms in SEEN:
        assert present.tolist() == (~condition.isnan()).tolist()
        assert not present[0] or condition[0] == atoms


def test_a_trained_network_draws_the_requested_property(data, tmp_path):
    """The cell of a request is the cube of its edge, whatever the other crystals of its batch ask for."""
    run = tmp_path / "run"
    fast = ("training.learning_rate=0.02", "training.schedule=constant", "training.ema=0.9",
            "training.validate_every=1000", "training.checkpoint_every=1000")  # fmt: skip
    train(data, run, *TOLD, *fast, "training.match_every=0", epochs=40)
    model, recipe, _ = load_model(run / "model-last")
    assert model.conditions == recipe.conditions == ("atoms", "edge")
    asked = [
        Request((3, 8), "LiO", "LiO", n, condition=(("edge", edge),)) for n, edge in enumerate((3.5, 5.5))
    ]
    both = [one for batch in generate(model, asked, SamplerSettings("ode", steps=8), 0) for one in batch]
    for one in both:
        lengths = one.crystal.lattice[0].norm(dim=-1)
        assert lengths.tolist() == pytest.approx([dict(one.request.condition)["edge"]] * 3, rel=0.05)
    ((alone,),) = generate(model, asked[1:], SamplerSettings("ode", steps=8), 0)
    torch.testing.assert_close(alone.crystal.lattice, both[1].crystal.lattice)


def test_no_condition_is_shown_as_unknown():
    model = get_recipe("kldm-csp-tiny", list(TOLD)).build()
    list(generate(model, [Request((3, 8), "LiO", "LiO", 0)], SamplerSettings("pc", steps=2), 0))
    assert len(SEEN) == 4
    assert all(condition.isnan().all() and not present.any() for condition, present, _ in SEEN)


@pytest.mark.parametrize("method", ["pc", "em", "ode", "heun", "multistep"])
def test_every_call_of_a_sampler_shows_the_condition(method):
    model = get_recipe("kldm-csp-tiny", [*TOLD, "self_conditioning=true"]).build()
    request = Request((3, 8), "LiO", "LiO", 0, condition=(("atoms", 2.0),))
    list(generate(model, [request], SamplerSettings(method, steps=3), 0))
    assert len(SEEN) == model.evaluations
    assert rows(condition for condition, _, _ in SEEN) == {("2.00000", "nan")}


def test_second_network_calls_of_a_loss_see_the_condition():
    """A guess for self-conditioning, and the call with renamed axes."""
    settings = [*TOLD, "self_conditioning=true", "loss_weights.axes=1", "standardise=false"]
    model, batch = (
        get_recipe("kldm-csp-tiny", settings).build(),
        table(4).batch([1, 2], conditions=["atoms", "edge"]),
    )
    model.loss(batch, torch.full((2,), 0.5), Noise.of(0, torch.arange(2)))
    assert [float(condition[1]) for condition, _, _ in SEEN] == [*batch.condition[:, 1].tolist()] * 3


def test_conditions_of_requests_stand_in_the_order_of_the_model():
    asked = [Request((3,), "Li", "Li", 0, condition=(("b", 2.0), ("a", 1.0))), Request((3,), "Li", "Li", 1)]
    found = condition_in(asked, ("a", "b", "c"), torch.device("cpu"))
    assert found is not None
    torch.testing.assert_close(found, torch.tensor([[1.0, 2.0, NAN], [NAN] * 3]), equal_nan=True)
    assert condition_in(asked, (), torch.device("cpu")) is None


def test_the_identity_of_a_request_holds_its_condition_and_no_other_changes():
    plain = Request((3,), "Li", "Li", 4)
    told = replace(plain, condition=(("gap", 1.5), ("edge", 3.0)))
    assert plain.identity == "Li 4"
    assert told.identity == replace(told, condition=told.condition[::-1]).identity
    assert len({plain.key, told.key, replace(told, condition=(("gap", 1.5),)).key}) == 3


def test_without_conditions_property_columns_change_nothing(tmp_path):
    """A run on a data set with columns is, bit for bit, that on the same crystals without; no file says more."""
    made, other = table(24), table(6, 1)
    bare = [replace(one, properties={}) for one in (made, other)]
    sets = {"with": (made, other), "without": bare}
    for name, (one, two) in sets.items():
        data = write_dataset(tmp_path / name, train=one, val=two)
        train(data, tmp_path / f"run-{name}", "training.match_every=0", epochs=2)
    runs = [tmp_path / f"run-{name}" for name in sets]
    assert losses(runs[0]) == losses(runs[1])
    texts = [(run / "recipe.toml").read_text() for run in runs]
    assert texts[0] == texts[1]
    assert "conditions" not in texts[0]
    weights = [load_model(run / "model-last")[0].state_dict() for run in runs]
    assert all(torch.equal(x, weights[1][name]) for name, x in weights[0].items())


def test_a_network_of_a_model_without_conditions_is_shown_none():
    model, shown = get_recipe("kldm-csp-tiny").build(), []
    model.network.register_forward_pre_hook(lambda _, given: shown.append(set(given[0])))
    batch = table(4).batch([1, 2], conditions=["edge"])
    model.loss(batch, torch.full((2,), 0.5), Noise.of(0, torch.arange(2)))
    assert shown == [{"species", "frac", "velocity", "lattice"}]


def test_batches_of_the_match_rate_carry_the_condition():
    recipe = get_recipe("kldm-csp-tiny", [*TOLD, "sampler.steps=2"])
    list(recipe.predicted(recipe.build(), table(6), np.array([1, 4])))
    assert rows(c for c, _, _ in SEEN) == rows(table(6).numbers(["atoms", "edge"])[[1, 4]])


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (['conditions=["edge"]'], "the scale of edge is not known before a run has read its data"),
        (['conditions=["edge", "edge"]', "network=toy"], "must not repeat a property"),
        (["conditions=edge", "network=toy"], "is not a list"),
    ],
)
def test_impossible_conditions_of_recipes_are_refused(assignments, message):
    with pytest.raises(RecipeError, match=message):
        get_recipe("kldm-csp-tiny", assignments).build()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ('["gap"]', "no property 'gap' in the data set"),
        ('["shape"]', "'shape' holds text"),
        ('["empty"]', "has a known empty"),
        ('["endless"]', "is inf, not a finite"),
    ],
)
def test_unusable_condition_columns_are_refused_before_a_run_begins(names, message, tmp_path):
    def with_more(made):
        more = {"empty": np.full(len(made), NAN), "endless": np.full(len(made), np.inf)}
        return replace(made, properties={**made.properties, **more})

    data = write_dataset(tmp_path / "data", train=with_more(table(9)), val=with_more(table(3, 1)))
    with pytest.raises(DataError, match=message) as caught:
        train(data, tmp_path / "run", "network=toy", f"conditions={names}", epochs=1)
    assert caught.value.hint
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("condition", "message"),
    [((("gap", 1.0),), "has no condition 'gap'"), ((("edge", NAN),), "edge = nan can't be asked for")],
)
def test_requests_with_unknown_conditions_are_refused(condition, message):
    model = get_recipe("kldm-csp-tiny", list(TOLD)).build()
    with pytest.raises(ModelError, match=message) as caught:
        list(generate(model, [Request((3,), "Li", "Li", 0, condition=condition)], SamplerSettings(), 0))
    assert caught.value.hint


def test_a_run_is_not_resumed_with_other_conditions(data, tmp_path):
    run = tmp_path / "run"
    train(data, run, *TOLD, "training.match_every=0", epochs=1)
    with pytest.raises(Exception, match=r"other settings \(conditions\)"):
        train(data, run, TOLD[0], "training.match_every=0", epochs=2, resume=True)
    with pytest.raises(Exception, match=r"other settings \(conditions\)"):
        train(data, run, TOLD[0], 'conditions=["edge"]', "training.match_every=0", epochs=2, resume=True)
