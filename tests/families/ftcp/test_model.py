"""FTCP trains, is resumed, loaded, and draws near known crystals; its losses are those that were published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Normal, kl_divergence

from nucleate.errors import DataError, StructureError
from nucleate.families.ftcp.generator import FTCPGenerator
from nucleate.families.ftcp.model import FTCP
from nucleate.families.ftcp.tensor import represented
from nucleate.geometry.noise import Noise
from nucleate.predictor import load
from nucleate.recipes.ftcp import FTCPRecipe
from nucleate.recipes.registry import get_recipe
from nucleate.runs.devices import Hardware
from nucleate.runs.train import train_recipe
from nucleate.sampling.generator import Generated
from nucleate.sampling.request import Request, formula_requests
from nucleate.testing import GeneratorCase, generator_tests
from tests.training.tiny import losses, mixed_sizes, random_table, write_dataset

SMALL = ["most=6", "elements=3", "latent=8", "filters=8", "hidden=16", "training.batch=16", "training.warmup=2",
         "training.validate_every=10", "training.checkpoint_every=5"]  # fmt: skip
CARD = {"elements": list(range(1, 101)), "largest_cell": 6, "sizes": {"3": 1.0}}
TABLE = random_table(mixed_sizes(48))
CPU = Hardware(accelerator="cpu")


def built(*assignments: str) -> FTCP:
    model = get_recipe("ftcp-small", [*SMALL, *assignments]).build()
    assert isinstance(model, FTCP)
    return model.eval()


def generator() -> FTCPGenerator:
    recipe, model = get_recipe("ftcp-small", SMALL), built()
    assert isinstance(recipe, FTCPRecipe)
    model.fit(TABLE)
    model.settle()
    return recipe.generator(model, CARD, "ftcp", "0")


def requests() -> list[Request]:
    some = [Request((0,), "generated", "", sample, units=None) for sample in range(3)]
    sized = [Request((0,) * 6, "generated", "", sample) for sample in range(2)]
    return [*some, *sized, *formula_requests(["NaCl", "SrTiO3"], 1, generator().limits, (1,))]


test_generator = generator_tests([GeneratorCase("ftcp", generator(), requests(), tolerance=1e-3)])


def test_the_losses_are_the_published_ones() -> None:
    model = built("target=atoms")
    model.fit(TABLE)
    feed = model.examples(TABLE, torch.device("cpu"))
    batch = feed.tensors(torch.arange(8), 6)
    found = model(**batch, keys=torch.arange(8))
    assert set(found) == {"reconstruction", "divergence", "property"}
    total = found["reconstruction"] + 2 * found["divergence"] + 10 * found["property"]
    torch.testing.assert_close(model.total(found), total)
    assert (found["property"] <= 1).all()
    assert (found["divergence"] >= 0).all()


def test_the_divergence_is_the_mean_of_that_of_normal_distributions_and_the_error_a_sum(monkeypatch) -> None:
    model = built()
    model.fit(TABLE)
    g = torch.Generator().manual_seed(0)
    mean, log_variance = torch.randn(8, model.width, generator=g), torch.randn(8, model.width, generator=g)
    monkeypatch.setattr(model, "posterior", lambda x: (mean, log_variance))
    guess = torch.rand(8, *model.layout.shape, generator=g)
    monkeypatch.setattr(model, "decode", lambda z: guess)
    feed = model.examples(TABLE, torch.device("cpu"))
    found = model(**feed.tensors(torch.arange(8), 6), keys=torch.arange(8))
    divergence = kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0)).mean(1)
    torch.testing.assert_close(found["divergence"], divergence)
    known = represented(feed.batch(torch.arange(8), 6), model.layout)
    expected = torch.stack([F.mse_loss(*pair, reduction="sum") for pair in zip(guess, known, strict=True)])
    torch.testing.assert_close(found["reconstruction"], expected)


def test_latent_vectors_are_drawn_with_the_mean_and_the_variance_that_the_encoder_says(monkeypatch) -> None:
    model, count = built(), 500
    model.fit(TABLE)
    mean, spread = torch.linspace(-2, 2, model.width), torch.linspace(0.2, 3, model.width)
    monkeypatch.setattr(
        model, "posterior", lambda x: (mean.expand(count, -1), 2 * spread.log().expand(count, -1))
    )
    seen: list[torch.Tensor] = []
    decode = model.decode
    monkeypatch.setattr(model, "decode", lambda z: seen.append(z) or decode(z))
    batch = model.examples(TABLE, torch.device("cpu")).tensors(torch.zeros(count, dtype=torch.long), 6)
    model(**batch, keys=Noise.of(0, torch.arange(count)).keys)
    torch.testing.assert_close(seen[0].std(0), spread, rtol=0.15, atol=0.0)
    assert ((seen[0].mean(0) - mean).abs() < 5 * spread / count**0.5).all()


def test_the_decoder_has_the_shape_of_the_tensor() -> None:
    for most in (5, 6, 7, 8, 20):
        model = built(f"most={most}")
        assert model.decode(torch.zeros(2, 8)).shape == (2, *model.layout.shape)


def test_a_run_trains_goes_on_and_draws(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", train=TABLE, val=random_table(mixed_sizes(8, 1), 1))
    recipe = get_recipe("ftcp-small", [*SMALL, "training.schedule=constant", "target=density"])
    train_recipe(recipe, data, tmp_path / "whole", epochs=6, hardware=CPU, visible=False)
    train_recipe(recipe, data, tmp_path / "parts", epochs=3, hardware=CPU, visible=False)
    train_recipe(recipe, data, tmp_path / "parts", epochs=6, resume=True, hardware=CPU, visible=False)
    whole, parts = (losses(tmp_path / name) for name in ("whole", "parts"))
    assert whole[-1]["val/total"] == parts[-1]["val/total"]
    rows = [row["val/total"] for row in whole if "val/total" in row]
    assert rows[-1] < rows[0]
    predictor = load(tmp_path / "whole")
    drawn = [one for batch in predictor.draw(predictor.inventions(8)) for one in batch]
    assert any(isinstance(one, Generated) for one in drawn)
    assert predictor.model is not None
    assert not torch.equal(predictor.model.kept[0], predictor.model.kept[1])


def test_it_remembers_a_few_crystals() -> None:
    """Overfitted to two crystals, it decodes both from their latent vectors."""
    from nucleate.families.ftcp.tensor import ordered, read

    torch.manual_seed(0)
    model = built("filters=32", "hidden=64").train()
    table = random_table([3, 5], 3)
    model.fit(table)
    batch = model.examples(table, torch.device("cpu")).tensors(torch.tensor([0, 1]), 5)
    optimiser = torch.optim.Adam(model.parameters(), 2e-3)
    for step in range(200):
        optimiser.zero_grad()
        model.total(model(**batch, keys=torch.arange(2) + 2 * step)).sum().backward()
        optimiser.step()
    found = read(model.decode(model.eval().encode(table.cells())).detach(), model.layout, 0.5)
    for one, cell in zip(found, table.cells(), strict=True):
        expected = ordered(cell)
        assert one is not None
        assert np.array_equal(one.species, expected.species)
        gap = (one.frac - expected.frac + 0.5) % 1 - 0.5
        assert np.abs(gap).max() < 0.1


def test_what_does_not_fit_is_said() -> None:
    model = built()
    with pytest.raises(StructureError, match="7 atoms"):
        model.encode(random_table([7]).cells())
    with pytest.raises(DataError, match="no crystal has"):
        model.fit(random_table([7, 8]))
