"""The guide's network as it stands there: one file in a folder, found by name, trained and drawn from by commands."""

from __future__ import annotations

import re
import shlex
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from nucleate.networks import registry
from nucleate.networks.base import Denoiser, Head, Shown
from tests.cli.words import run
from tests.networks.layouts import LAYOUTS, assert_same, batch, predict
from tests.plug_ins import package
from tests.training.tiny import mixed_sizes, random_table, write_dataset

PAGE = (Path(__file__).parents[2] / "docs" / "guides" / "add-a-network.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


FILE, ASKING = blocks("python")
TRAIN, PREDICT, TOLD = (shlex.split(line)[1:] for block in blocks("sh") for line in block.splitlines())
QUICK = ["--accelerator", "cpu", "--epochs", "2", "--set", "training.batch=8", "--set", "pair_sum.frequencies=2",
         "--set", "sampler.steps=3"]  # fmt: skip


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The guide's file and its entry point are installed, and there is a data set of the guide's name."""
    (points,) = tomllib.loads(*blocks("toml"))["project"]["entry-points"].values()
    ((name, value),) = points.items()
    module, _, attribute = value.partition(":")
    package(tmp_path / "packages", module, FILE, registry.ENTRY_POINTS, **{name: attribute})
    monkeypatch.syspath_prepend(tmp_path / "packages")
    monkeypatch.chdir(tmp_path)
    tables = []
    for seed, count in enumerate((24, 6)):
        made, rng = random_table(mixed_sizes(count, seed), seed), np.random.default_rng(seed)
        heats, gaps = rng.random(count), np.where(rng.random(count) < 0.5, np.nan, 1.0)
        known = {"heat_all": heats, "dir_gap": gaps}
        tables.append(
            replace(
                made,
                species=np.select([made.species == 3, made.species == 26], [38, 22], 8),
                properties=known,
            )
        )
    write_dataset(tmp_path / "data" / "perov_5", train=tables[0], val=tables[1])
    registry._theirs.cache_clear()
    registry._loaded.cache_clear()
    yield tmp_path
    registry._theirs.cache_clear()
    registry._loaded.cache_clear()


def test_the_commands_of_the_guide(installed, monkeypatch):
    assert run(monkeypatch, *TRAIN, *QUICK) == 0
    assert "\n[pair_sum]\nwidth = 64\n" in (installed / "runs/pair-sum/recipe.toml").read_text()
    assert run(monkeypatch, *PREDICT, "-n", "3", "--formula-units", "1") == 0
    drawn = (installed / "runs/pair-sum/predictions/predictions.extxyz").read_text()
    assert drawn.count("formula=SrTiO3") == 3


def test_a_model_that_is_given_numbers(installed, monkeypatch):
    assert run(monkeypatch, *TOLD, *QUICK) == 0
    assert 'conditions = ["heat_all", "dir_gap"]' in (installed / "runs/told/model/recipe.toml").read_text()
    names: dict[str, object] = {}
    exec(ASKING, names)
    asked, crystals = names["asked"], names["crystals"]
    assert len(crystals) == len(asked) == 4
    plain = [one.crystal for batch in names["model"].draw(names["requests"]) for one in batch]
    assert not torch.equal(plain[0].lattice, crystals[0].lattice)


def network(shown: Shown, heads: dict[str, Head], monkeypatch: pytest.MonkeyPatch) -> Denoiser:
    module = ModuleType("pair_networks")
    # where dataclasses look for the module of a class
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(FILE, module.__dict__)
    torch.manual_seed(1)
    return module.PairSum(module.PairSumSettings(16, 3), heads, shown)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_network_of_the_guide_keeps_the_contract(name, monkeypatch):
    """Translations, names of atoms, padding: for every layout of inputs that a recipe may have."""
    layout, sizes = LAYOUTS[name], [4, 1, 6]
    net = network(layout.shown, layout.heads, monkeypatch)
    inputs, t, mask = batch(layout, sizes)
    plain = predict(net, inputs, t, mask)
    moved = {**inputs, "frac": (inputs["frac"] + torch.tensor([0.3, -0.2, 0.7])) * mask.unsqueeze(-1)}
    assert_same(predict(net, moved, t, mask), plain)
    order = torch.tensor([3, 1, 0, 2])
    first = {key: x[:1] if key == "lattice" else x[:1, :4] for key, x in inputs.items()}
    renamed = {key: x if key == "lattice" else x[:, order] for key, x in first.items()}
    alone = predict(net, first, t[:1], mask[:1, :4])
    expected = {key: x[:, order] if x.ndim == 3 else x for key, x in alone.items()}
    assert_same(predict(net, renamed, t[:1], mask[:1, :4]), expected)
    assert_same(alone, {key: x[:1, :4] if x.ndim == 3 else x[:1] for key, x in plain.items()})
