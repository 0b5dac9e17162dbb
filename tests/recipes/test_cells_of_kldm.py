"""KLDM with the cell as a log metric tensor: the codec, and draws from data of one cell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from nucleate.codecs.polar import Polar
from nucleate.errors import RecipeError
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel
from nucleate.recipes.registry import get_recipe
from nucleate.sampling.given import Given
from nucleate.sampling.loop import sample
from tests.training.tiny import SHRINK, random_table


def test_draws_of_an_untrained_model_have_the_mean_volume_of_its_data() -> None:
    """Heads start at zero, which predicts the mean: the mean log volume, and the shape of a cube."""
    recipe = get_recipe("kldm-csp-tiny", [*SHRINK, "cell=polar", "sampler.steps=4"])
    model = recipe.build()
    assert isinstance(model, CrystalModel)
    assert isinstance(model.codec, Polar)
    table = random_table([2] * 12)
    table = replace(table, lattice=table.lattice * np.linspace(0.8, 1.4, 12)[:, None, None])
    model.fit(table)
    mask = torch.ones(3, 2, dtype=torch.bool)
    given = Given.composition(torch.full((3, 2), 8), mask)
    cells = sample(model, mask, recipe.sampler, Noise.of(0, torch.arange(3)), given).lattice
    expected = float(np.exp(np.mean(np.log(np.abs(np.linalg.det(table.lattice))))))
    torch.testing.assert_close(torch.linalg.det(cells), torch.full((3,), expected), rtol=1e-4, atol=0)
    edge = expected ** (1 / 3)
    torch.testing.assert_close(cells @ cells.mT, edge**2 * torch.eye(3).expand(3, 3, 3), rtol=1e-3, atol=1e-3)


def test_another_cell_is_refused() -> None:
    with pytest.raises(RecipeError, match="cell"):
        get_recipe("kldm-csp-tiny", ["cell=matrix"])
