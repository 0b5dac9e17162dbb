"""Training crystals whose atoms are moved: how many, how far, and who may not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from nucleate.data.feed import Feed
from nucleate.errors import RecipeError
from nucleate.geometry.noise import Noise
from nucleate.recipes.registry import get_recipe
from nucleate.runs.train import train_recipe
from nucleate.training.settings import TrainingSettings
from nucleate.training.shaken import Shaken
from tests.training.tiny import mixed_sizes, random_table, write_dataset

WIDTH = 0.005


def test_a_half_is_moved_by_the_width_and_nothing_else_changes() -> None:
    table, rows = random_table(mixed_sizes(400)), torch.arange(400)
    examples = Shaken(Feed(table, torch.device("cpu")), WIDTH)
    plain = examples.tensors(rows, 6)
    moved = examples.varied(plain, Noise.of(0, rows).keys)
    frac, mask = plain["frac"], plain["mask"]
    assert frac is not None
    assert mask is not None
    assert moved["frac"] is not None
    away = moved["frac"] - frac
    away = away - away.round()
    changed = (away != 0).any(-1).any(-1)
    assert 0.42 < changed.float().mean() < 0.58
    assert float(away[changed][mask[changed]].std()) == pytest.approx(WIDTH, rel=0.05)
    assert (away[~mask] == 0).all()
    assert ((moved["frac"] >= 0) & (moved["frac"] < 1)).all()
    assert moved["species"] is plain["species"]
    assert moved["lattice"] is plain["lattice"]


def test_who_may_not(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"holds atoms on their sites, and training.shake = 0.01"):
        TrainingSettings(symmetry=True, shake=0.01)
    with pytest.raises(RecipeError, match=r"training.shake = -0.1 is too small"):
        TrainingSettings(shake=-0.1)
    data = write_dataset(tmp_path / "data", train=random_table([5] * 8), val=random_table([5] * 4))
    with pytest.raises(RecipeError, match=r"training.shake = 0.01 is for models of crystals by processes"):
        train_recipe(
            get_recipe("crystal-gan", ["training.shake=0.01"]),
            data,
            tmp_path / "run",
            epochs=1,
            visible=False,
        )
    assert not (tmp_path / "run").exists()
