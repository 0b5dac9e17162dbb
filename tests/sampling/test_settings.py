"""Sampler settings: limits, costs, time grids."""

from dataclasses import replace

import pytest

from nucleate.errors import RecipeError
from nucleate.predictor.find import shipped_models
from nucleate.runs.model_folder import read_recipe
from nucleate.sampling.grid import time_grid
from nucleate.sampling.settings import SamplerSettings
from nucleate.settings import from_dict


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"power": 0.0},
        {"tau": -1.0},
        {"noise_left": 1.0},
        {"start": 1.0},
        {"start": -0.1},
        {"noise_left": 0.7, "start": 0.3},
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(RecipeError, match=next(iter(wrong))) as caught:
        SamplerSettings(**wrong)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("settings", "nfe"),
    [
        (SamplerSettings("em", steps=7), 7),
        (SamplerSettings("multistep", steps=7), 7),
        (SamplerSettings("pc", steps=7), 14),
        (SamplerSettings("heun", steps=7), 13),
        (SamplerSettings("heun", steps=7, noise_left=0.1), 14),
    ],
)
def test_costs_are_counted_in_network_evaluations(settings, nfe):
    assert settings.evaluations == nfe


def test_every_process_has_its_own_slope():
    settings = SamplerSettings(anneal_frac=10.0, anneal_lattice=1.5)
    assert [settings.anneal(name) for name in ("frac", "lattice", "species", "x")] == [10.0, 1.5, 0.0, 0.0]


def test_the_time_grid_runs_from_noise_to_data():
    grid = time_grid(SamplerSettings(steps=7, power=2.0, noise_left=0.1))
    assert len(grid) == 8
    assert grid[0] == 0
    assert abs(grid[-1] - 0.9) < 1e-12
    assert (grid.diff() > 0).all()
    assert grid.diff()[0] > grid.diff()[-1]


@pytest.mark.parametrize("grid", [{"power": 0.7}, {"grid": "karras", "power": 7.0}])
def test_a_start_shrinks_the_grid_to_the_rest_of_the_way(grid):
    whole = time_grid(SamplerSettings(steps=5, **grid))
    rest = time_grid(SamplerSettings(steps=5, start=0.2, noise_left=0.1, **grid))
    assert rest.tolist() == pytest.approx((0.2 + 0.7 * whole).tolist())


def test_the_karras_grid_has_the_published_noise_levels():
    """Equation 5 of arXiv 2206.00364 with rho = 7, sigma from 80 to 0.002; between them u = sigma / (1 + sigma)."""
    u = 1 - time_grid(SamplerSettings(steps=18, grid="karras", power=7.0))
    sigma = [(80 ** (1 / 7) + i / 17 * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7 for i in range(18)]
    expected = [s / (1 + s) * 81 / 80 for s in sigma]
    assert u[:-1].tolist() == pytest.approx(expected, rel=1e-9)
    assert u[0] == pytest.approx(1)
    assert u[-1] == 0


def test_a_karras_grid_of_one_step_goes_from_noise_to_data():
    assert time_grid(SamplerSettings(steps=1, grid="karras", power=7.0)).tolist() == [0, 1]


def test_every_quantity_has_its_own_predictor():
    """KLDM's paper: velocities by predictor and corrector, the lattice by Euler-Maruyama."""
    settings = SamplerSettings(predictor_lattice="em")
    assert [settings.predictor_of(name) for name in ("frac", "lattice", "species", "other")] == [
        "ode", "em", "ode", "ode",
    ]  # fmt: skip
    assert SamplerSettings(predictor="em", predictor_frac="ode").predictor_of("frac") == "ode"
    assert settings.evaluations == SamplerSettings().evaluations


def test_pc_by_name_takes_the_unbiased_corrector():
    """A file that says pc keeps what it says; one that says another method has said nothing of a corrector."""
    own = SamplerSettings("multistep", steps=20, anneal_frac=5.0)
    named = from_dict(SamplerSettings, own.with_method("pc"))
    assert named == replace(own, method="pc", corrector="expected")
    for corrector in ("crystal", "expected"):
        said = SamplerSettings("pc", corrector=corrector)
        assert from_dict(SamplerSettings, said.with_method("pc")) == said
        assert from_dict(SamplerSettings, said.with_method("ode")) == replace(said, method="ode")


def test_a_file_without_a_corrector_means_the_published_one():
    assert from_dict(SamplerSettings, {"method": "pc"}).corrector == "crystal"


@pytest.mark.parametrize("name", [name for name in shipped_models() if name.startswith("kldm")])
def test_pc_on_a_shipped_model_is_not_biased(name):
    recipe = read_recipe(shipped_models()[name] / "recipe.toml")
    assert recipe.sampler.method == "multistep"
    assert recipe.sampler.with_method("pc")["corrector"] == "expected"
