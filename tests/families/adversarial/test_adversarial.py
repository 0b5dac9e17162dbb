"""The terms of a Wasserstein GAN, and the task of CrystalGAN: from A-H and B-H to A-B-H."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from nucleate.cell import Cell
from nucleate.data.table import CrystalTable
from nucleate.errors import DataError
from nucleate.families.adversarial.generator import AdversarialGenerator
from nucleate.families.adversarial.model import (
    Adversarial,
    energy_score,
    family_of,
    gradient_penalty,
)
from nucleate.families.adversarial.networks import Critic, distances, soft
from nucleate.geometry.noise import Noise
from nucleate.measures import closest_pair
from nucleate.predictor import load
from nucleate.recipes.adversarial import AdversarialRecipe
from nucleate.recipes.registry import get_recipe, recipe_from_dict
from nucleate.runs.devices import Hardware
from nucleate.runs.train import train_recipe
from nucleate.sampling.generator import Generated
from nucleate.sampling.request import Request, formula_requests
from nucleate.settings import to_dict
from nucleate.testing import GeneratorCase, generator_tests
from tests.training.tiny import losses, random_table, write_dataset

SMALL = ["atoms=4", "noise=4", "width=32", "training.batch=8", "training.validate_every=10",
         "training.checkpoint_every=5", "training.warmup=2"]  # fmt: skip
CARD = {"elements": list(range(1, 101)), "largest_cell": 4, "sizes": {"4": 1.0}}
CPU = Hardware(accelerator="cpu")
METALS = {3: 4.0, 11: 4.8, 19: 5.6, 37: 6.0, 12: 4.4, 20: 5.2, 28: 3.7, 46: 4.1}
"""Metals and the lengths of the cells of their hydrides here, Å."""


def hydride(first: int, second: int, rng: np.random.Generator) -> Cell:
    """A2H2, or ABH2 between its parents: two metals and two hydrogens in a cubic cell of their mean length."""
    length = (METALS[first] + METALS[second]) / 2 + rng.normal() * 0.02
    frac = (
        np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]) + rng.normal(size=(4, 3)) * 0.005
    )
    return Cell(np.array([1, 1, *sorted((first, second))]), frac % 1, length * np.eye(3))


def hydrides(left_out: set[frozenset[int]], times: int, seed: int = 0) -> CrystalTable:
    rng, metals = np.random.default_rng(seed), list(METALS)
    pairs = [(a, b) for i, a in enumerate(metals) for b in metals[i:] if frozenset((a, b)) not in left_out]
    cells = [hydride(a, b, rng) for _ in range(times) for a, b in pairs]
    return CrystalTable(
        [f"hydride-{seed}-{i}" for i in range(len(cells))],
        np.concatenate([one.species for one in cells]),
        4 * np.arange(len(cells) + 1),
        np.concatenate([one.frac for one in cells]),
        np.stack([one.lattice for one in cells]),
    )


def built(*assignments: str) -> Adversarial:
    model = get_recipe("crystal-gan", [*SMALL, *assignments]).build()
    assert isinstance(model, Adversarial)
    model.fit(hydrides(set(), 1))
    return model


def generator() -> AdversarialGenerator:
    recipe = get_recipe("crystal-gan", SMALL)
    assert isinstance(recipe, AdversarialRecipe)
    return recipe.generator(built().eval(), CARD, "gan", "0")


def requests() -> list[Request]:
    some = [Request((0,), "generated", "", sample, units=None) for sample in range(3)]
    sized = [Request((0,) * 4, "generated", "", sample) for sample in range(2)]
    return [*some, *sized, *formula_requests(["NaH", "SrTiO2", "LiNaH2"], 1, generator().limits, (1,))]


test_generator = generator_tests([GeneratorCase("gan", generator(), requests(), tolerance=1e-4)])


def batch(model: Adversarial, rows: int = 8) -> dict[str, torch.Tensor | None]:
    return model.examples(hydrides(set(), 1), torch.device("cpu")).tensors(torch.arange(rows), 4)


def test_the_gradient_penalty_against_finite_differences() -> None:
    torch.manual_seed(0)
    critic, between = Critic(8, 4, False).double(), torch.randn(3, 430, dtype=torch.float64)
    family = family_of(torch.tensor([[1, 3], [1, 3], [1, 11]])).double()
    steps = 1e-6 * torch.eye(430, dtype=torch.float64)
    slopes = torch.stack(
        [
            (critic(one + steps, kind.expand(430, -1)) - critic(one - steps, kind.expand(430, -1))) / 2e-6
            for one, kind in zip(between, family, strict=True)
        ]
    )
    expected = (slopes.norm(dim=1) - 1).square()
    torch.testing.assert_close(gradient_penalty(critic, between, family), expected, atol=1e-6, rtol=1e-5)


def test_the_penalty_is_taken_between_known_and_made_crystals() -> None:
    """Somewhere on the line between each pair, as published."""
    model, keys = built().train(), torch.arange(8)
    found = model(**batch(model), keys=keys)["gradient"]
    known = model.examples(hydrides(set(), 1), torch.device("cpu")).batch(torch.arange(8), 4)
    family, noise = family_of(known.species), Noise(keys)
    made = model.maker(noise.normal(model.noise), family).vector()
    real = soft(model.codec.encode(known.lattice, known.sizes), known.frac, known.species).vector()
    share = noise.uniform(1)
    assert float(share.std()) > 0.1
    between = share * real + (1 - share) * made
    torch.testing.assert_close(found, gradient_penalty(model.critic, between, family))


def test_the_total_has_the_weights_of_the_penalties() -> None:
    model = built("penalties.distance=3")
    losses = {"critic": 1.0, "gradient": 2.0, "maker": 4.0, "distance": 8.0}
    total = model.total({name: torch.tensor([value]) for name, value in losses.items()})
    assert float(total) == 1 + 10 * 2 + 4 + 3 * 8


def test_each_loss_moves_its_own_network_only() -> None:
    model = built("penalties.least_distance=9").train()
    found = model(**batch(model), keys=torch.arange(8))
    networks = {"maker": model.maker, "critic": model.critic}
    moved = {"maker": ("maker", "distance"), "critic": ("critic", "gradient")}
    for mine, names in moved.items():
        for name in names:
            model.zero_grad()
            found[name].sum().backward(retain_graph=True)
            for which, network in networks.items():
                total = sum(float(p.grad.abs().sum()) for p in network.parameters() if p.grad is not None)
                assert (total > 0) == (which == mine), (name, which)


def test_the_critic_is_updated_so_often_for_each_update_of_the_maker() -> None:
    """Of seven steps the third and the sixth give the maker a gradient; its losses have their values in all."""
    model = built("critic_steps=3", "penalties.least_distance=9").train()
    moved: dict[str, list[bool]] = {"maker": [], "critic": []}
    for step in range(7):
        model.zero_grad(set_to_none=True)
        found = model(**batch(model), keys=torch.arange(8), **model.drawn(0, step, 8))
        model.total(found).sum().backward()
        assert float(found["distance"].detach().sum()) > 0
        for name, turns in moved.items():
            turns.append(any(p.grad is not None for p in getattr(model, name).parameters()))
    assert moved == {"maker": [False, False, True, False, False, True, False], "critic": [True] * 7}


def test_runs_from_before_there_was_a_choice_go_on_as_they_began() -> None:
    old = {key: value for key, value in to_dict(get_recipe("crystal-gan")).items() if key != "critic_steps"}
    assert get_recipe("crystal-gan").critic_steps == 5  # pyright: ignore[reportAttributeAccessIssue]
    assert recipe_from_dict(old).critic_steps == 1  # pyright: ignore[reportAttributeAccessIssue]


def test_the_maker_and_the_critic_want_opposite_things() -> None:
    model = built().train()
    found = model(**batch(model), keys=torch.arange(8))
    known = model.examples(hydrides(set(), 1), torch.device("cpu")).batch(torch.arange(8), 4)
    real = soft(model.codec.encode(known.lattice, known.sizes), known.frac, known.species)
    of_real = model.critic(real.vector(), family_of(known.species))
    torch.testing.assert_close(found["critic"], -found["maker"] - of_real)


def test_distances_are_those_of_the_nearest_images() -> None:
    table = random_table([4, 4, 4])
    crystals = table.batch([0, 1, 2])
    found = distances(crystals.frac, crystals.lattice)
    for row, cell in enumerate(table.cells()):
        assert float(found[row].min()) == pytest.approx(closest_pair(cell), abs=1e-4)


def test_the_energy_score_is_least_for_the_right_distribution() -> None:
    g = torch.Generator().manual_seed(0)
    known = torch.randn(20000, 2, generator=g)
    scores = {}
    for scale, shift in ((1.0, 0.0), (0.3, 0.0), (2.0, 0.0), (1.0, 0.7)):
        one, other = (scale * torch.randn(20000, 2, generator=g) + shift for _ in range(2))
        scores[scale, shift] = float(energy_score(known, one, other).mean())
    assert min(scores, key=scores.__getitem__) == (1.0, 0.0)


def test_cells_of_another_number_of_atoms_are_left_out() -> None:
    with pytest.raises(DataError, match="4 atoms"):
        built().fit(random_table([3, 5]))


def test_a_run_goes_on_as_if_it_had_not_been_stopped(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", train=hydrides(set(), 1), val=hydrides(set(), 1, 1))
    recipe = get_recipe("crystal-gan", [*SMALL, "training.schedule=constant", "spectral=true"])
    train_recipe(recipe, data, tmp_path / "whole", epochs=4, hardware=CPU, visible=False)
    train_recipe(recipe, data, tmp_path / "parts", epochs=2, hardware=CPU, visible=False)
    train_recipe(recipe, data, tmp_path / "parts", epochs=4, resume=True, hardware=CPU, visible=False)
    whole, parts = (losses(tmp_path / name)[-1]["val/total"] for name in ("whole", "parts"))
    assert whole == parts


def test_from_hydrides_of_one_metal_and_others_to_a_hydride_of_two_new_together(tmp_path: Path) -> None:
    """CrystalGAN's task: Na-Ca-H and K-Rb-H are never seen, their parents and other pairs are. As there, a crystal
    counts that has the elements that are asked for and no atoms that are too close."""
    held = {frozenset((11, 20)), frozenset((19, 37))}
    data = write_dataset(tmp_path / "data", train=hydrides(held, 20), val=hydrides(held, 1, 1))
    recipe = get_recipe(
        "crystal-gan",
        [*SMALL, "width=128", "training.batch=64", "training.learning_rate=0.002", "training.ema=0.9",
         "critic_steps=1", "training.validate_every=200", "training.checkpoint_every=200"],
    )  # fmt: skip
    train_recipe(recipe, data, tmp_path / "run", epochs=60, hardware=CPU, visible=False)
    predictor = load(tmp_path / "run" / "model-last")
    for formula in ("NaCaH2", "KRbH2"):
        asked = formula_requests([formula], 20, predictor.limits, (1,))
        answers = [one for part in predictor.draw(asked) for one in part]
        made = [one.crystal.cells()[0] for one in answers if isinstance(one, Generated)]
        assert len(made) >= 10
        assert np.mean([closest_pair(one) > 1.5 for one in made]) > 0.7


@pytest.mark.slow
def test_lengths_follow_the_family_with_five_updates_of_the_critic_for_one_of_the_maker(
    tmp_path: Path,
) -> None:
    """Also of the pairs that were left out. With one update of the critic all cells have nearly one length."""
    held = {frozenset((11, 20)), frozenset((19, 37))}
    data = write_dataset(tmp_path / "data", train=hydrides(held, 20), val=hydrides(held, 1, 1))
    recipe = get_recipe(
        "crystal-gan",
        [*SMALL, "width=128", "training.batch=64", "training.learning_rate=0.002", "training.ema=0.9",
         "training.validate_every=10000", "training.checkpoint_every=10000"],
    )  # fmt: skip
    train_recipe(recipe, data, tmp_path / "run", epochs=5 * 91, hardware=CPU, visible=False)
    model = load(tmp_path / "run" / "model-last").model
    pairs = [(a, b) for i, a in enumerate(METALS) for b in list(METALS)[i + 1 :]]
    made = [mean_length(model, sorted(pair)) for pair in pairs]
    wanted = [(METALS[a] + METALS[b]) / 2 for a, b in pairs]
    assert np.corrcoef(made, wanted)[0, 1] > 0.95
    assert np.abs(np.subtract(made, wanted)).mean() < 0.2


def mean_length(model: Adversarial, metals: list[int]) -> float:
    """Of the cell vectors of 64 crystals of two metals and hydrogen, Å."""
    noise = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        _, cells = model.made(noise, family_of(torch.tensor([1, 1, *metals]).expand(64, -1)))
    return float(cells.norm(dim=-1).mean())
