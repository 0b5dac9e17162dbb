"""Texts under the grammar are what was asked, with random weights too; the recipes have the stated sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from nucleate.data.table import CrystalTable
from nucleate.families.choice import Choice
from nucleate.families.cif.generator import CifGenerator, CifSampling
from nucleate.families.cif.grammar import Asked, cif
from nucleate.families.cif.points import points_of
from nucleate.families.cif.trainable import CifTrainable
from nucleate.families.language.draw import draw
from nucleate.families.wyckoff.prompt import Prompt
from nucleate.geometry.noise import Noise
from nucleate.predictor import load
from nucleate.recipes.registry import get_recipe, recipes
from nucleate.runs.devices import Hardware
from nucleate.runs.train import train_recipe
from nucleate.sampling.generator import Failure, Generated
from nucleate.sampling.request import Request
from nucleate.testing import GeneratorCase, generator_tests
from tests.families.cif.cases import placed, random_model
from tests.training.tiny import losses, write_dataset

CPU = Hardware(accelerator="cpu")
SMALL = ["gpt.width=32", "gpt.layers=1", "gpt.heads=2", "training.batch=8", "training.warmup=2",
         "training.validate_every=8", "training.checkpoint_every=8", "training.ema=0.5",
         "training.learning_rate=0.01"]  # fmt: skip
CARD = {
    "elements": list(range(1, 84)), "largest_cell": 20, "sizes": {"2": 0.5, "5": 0.5},
    "formula_units": {"2": {"1": 1.0}, "5": {"1": 0.5, "2": 0.5}},
}  # fmt: skip


def request(species: tuple[int, ...], sample: int = 0, **more) -> Request:
    return Request(species, "-".join(map(str, species)), "asked", sample, **more)


ASKED = [
    request((8, 8, 8, 22, 38)),
    request((0,) * 7),
    request((11, 17), 1, space_group=225),
    request((0,), units=None),
    request((0,), 1, units=None, space_group=62),
    request((8, 22, 8, 8, 38), 2, units=None),
    request((8,) * 21),
]


def generator(**sampling) -> CifGenerator:
    return CifGenerator("cif", "0", random_model(), CifSampling(**sampling), CARD)


test_generator = generator_tests([GeneratorCase("cif", generator(), ASKED)])


def table(times: int) -> CrystalTable:
    cells = [sites.to_cell() for seed in range(times) for sites in placed(seed) if sites.number > 100]
    return CrystalTable(
        [f"crystal-{number}" for number in range(len(cells))],
        np.concatenate([cell.species for cell in cells]),
        np.cumsum([0, *(len(cell.species) for cell in cells)]),
        np.concatenate([cell.frac for cell in cells]),
        np.stack([cell.lattice for cell in cells]),
        {"band_gap": np.arange(len(cells), dtype=float)},
    )


def test_texts_under_the_grammar_are_what_was_asked() -> None:
    found = {one.request: one for batch in generator().draw(ASKED, seed=1) for one in batch}
    assert isinstance(found[ASKED[-1]], Failure)
    made = [found[one] for one in ASKED[:-1]]
    assert all(isinstance(one, Generated) and one.origin["draws"] == 1 for one in made)
    assert [len(one.crystal.species[0]) for one in made[:3]] == [5, 7, 2]
    assert made[2].origin["space_group"] == 225
    assert made[4].origin["space_group"] == 62


def test_without_the_grammar_random_weights_write_nothing_that_can_be_read() -> None:
    free = generator(grammar=False, tries=1)
    found = [one for batch in free.draw(ASKED[:2], seed=1) for one in batch]
    assert all(isinstance(one, Failure) for one in found)
    assert all("did not end" in one.reason or "another" in one.reason or "no " in one.reason for one in found)


def test_keys_and_values_that_are_kept_change_no_text() -> None:
    def texts(cached: bool) -> list[list[int]]:
        prompts = [
            Prompt.of(counts={38: 1, 22: 1, 8: 3}),
            Prompt(),
            Prompt.of(space_group=62),
            Prompt.of(atoms=4),
        ]
        grammars = [cif(Asked(one, 1 if one.counts else 0, 8)) for one in prompts]
        noise = Noise.of(0, torch.arange(4))
        return [
            one.words
            for one in draw(random_model().network, grammars, noise, Choice(top_k=10), cached=cached)
        ]

    assert texts(True) == texts(False)


def test_primitive_cells_of_a_conventional_cell_are_drawn_as_the_model_has_them() -> None:
    shares = points_of(random_model().network, Prompt.of(counts={11: 1, 17: 1}), 20)
    assert set(shares) == {1, 2, 3, 4}
    assert sum(shares.values()) == pytest.approx(1)
    assert points_of(random_model().network, Prompt.of(225, {11: 1, 17: 1}), 20) == {4: 1.0}


@pytest.mark.parametrize(
    ("name", "millions"),
    [("crystallm", 25.9), ("crystallm-large", 203.8), ("crystallm-mini", 11.5), ("crystallm-small", 2.9),
     ("crystallm-tiny", 0.97)],
)  # fmt: skip
def test_sizes_are_the_published_ones(name: str, millions: float) -> None:
    with torch.device("meta"):
        model = recipes()[name].build()
    count = sum(parameter.numel() for parameter in model.parameters())
    assert count / 1e6 == pytest.approx(millions, abs=0.06)


def test_a_run_trains_resumes_and_draws(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", train=table(3), val=table(1))
    recipe = get_recipe("crystallm-tiny", [*SMALL, 'conditions=["band_gap"]'])
    train_recipe(recipe, data, tmp_path / "whole", epochs=12, hardware=CPU, visible=False)
    first, last = losses(tmp_path / "whole")[0]["val/total"], losses(tmp_path / "whole")[-1]["val/total"]
    assert last < first - 0.5
    train_recipe(recipe, data, tmp_path / "parts", epochs=4, hardware=CPU, visible=False)
    predictor = load(tmp_path / "whole")
    assert isinstance(predictor.model, CifTrainable) or predictor.model is None
    asked = [request((11, 17), condition=(("band_gap", 3.0),)), request((0, 0, 0))]
    found = [one for batch in predictor.draw(asked, seed=2) for one in batch]
    assert all(isinstance(one, Generated) for one in found)
