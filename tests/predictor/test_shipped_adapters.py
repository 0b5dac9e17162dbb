"""The adapters inside the package: small, of the shipped model, and doing something when they are asked."""

from __future__ import annotations

import json

import pytest
import torch

from nucleate.geometry.noise import Noise
from nucleate.predictor import load
from nucleate.predictor.find import shipped_adapters
from nucleate.predictor.generators import SHIPPED, SHIPPED_ABOUT
from tests.cli.words import run

MODEL = "kldm-mp20-dng"
ALL = shipped_adapters()


def test_they_are_small():
    sizes = [(folder / "weights.safetensors").stat().st_size for folder in ALL.values()]
    assert sizes
    assert max(sizes) < 2e6
    assert sum(sizes) < 8e6
    assert {"band_gap", "formation_energy_per_atom", "ordered", "tc"} <= set(ALL)


def test_all_of_them_side_by_side():
    """Nothing asked: the model's own draws, bit for bit. Little or much asked of one: other answers."""
    plain, adapted = load(MODEL, "cpu"), load(MODEL, "cpu", adapters=list(ALL))
    requests = plain.inventions(2, atoms=(3, 3))
    quick = plain.sampler(steps=4)

    def drawn(predictor, asked):
        made = [one for batch in predictor.draw(asked, quick) for one in batch]
        return torch.cat([one.crystal.lattice for one in sorted(made, key=lambda one: one.request.sample)])

    expected = drawn(plain, requests)
    assert torch.equal(drawn(adapted, requests), expected)
    model, mask = adapted.model, torch.ones(2, 3, dtype=torch.bool)
    states = {
        one: process.prior(mask, Noise.of(0, torch.arange(2))) for one, process in model.processes.items()
    }
    for name in model.conditions:
        spread = adapted.card["conditions"][name].get("quantiles")
        low, high = (spread[9], spread[-9]) if spread else (0.0, 1.0)  # two numbers, or two categories
        rows = [[value if name == one else torch.nan for one in model.conditions] for value in (low, high)]
        said = [
            model.denoise(states, torch.full((2,), 0.5), mask, None, torch.tensor([row, row])) for row in rows
        ]
        assert not torch.allclose(said[0]["species"], said[1]["species"], atol=0.05)


@pytest.mark.parametrize("name", ALL)
def test_the_command_knows_them(name, monkeypatch, capsys):
    assert run(monkeypatch, "models") == 0
    assert f"{name}\tadapter of {MODEL}\t" in capsys.readouterr().out
    assert run(monkeypatch, "models", name) == 0
    assert json.loads(capsys.readouterr().out)["data"]["licence"]


def test_the_command_knows_the_generators_that_are_no_folders(monkeypatch, capsys):
    assert SHIPPED.keys() == SHIPPED_ABOUT.keys()
    assert run(monkeypatch, "models") == 0
    said = capsys.readouterr().out
    assert all(f"{name}\tgenerator\t{what}\n" in said for name, what in SHIPPED_ABOUT.items())
