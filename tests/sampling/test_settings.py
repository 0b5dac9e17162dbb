"""Sampler settings: limits, costs, and presets that cost what was asked."""

import pytest

from nucleate.errors import RecipeError
from nucleate.sampling.grid import time_grid
from nucleate.sampling.presets import BEST, best_sampler
from nucleate.sampling.settings import SamplerSettings


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"power": 0.0}, {"tau": -1.0}, {"noise_left": 1.0}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(RecipeError, match=next(iter(wrong))) as caught:
        SamplerSettings(**wrong)
    assert caught.value.hint


@pytest.mark.parametrize("nfe", [20, 100, 150, 200, 500, 1000, 2000])
def test_presets_cost_what_was_asked(nfe):
    assert best_sampler(nfe).evaluations == nfe


def test_presets_are_named_by_their_cost():
    assert {nfe: sampler.evaluations for nfe, sampler in BEST.items()} == {nfe: nfe for nfe in BEST}


def test_the_time_grid_runs_from_noise_to_data():
    grid = time_grid(SamplerSettings(steps=7, power=2.0, noise_left=0.1))
    assert len(grid) == 8
    assert grid[0] == 0
    assert abs(grid[-1] - 0.9) < 1e-12
    assert (grid.diff() > 0).all()
    assert grid.diff()[0] > grid.diff()[-1]
