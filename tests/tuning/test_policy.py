"""Policy gradients on the steps of a sampler: what they can learn, what they refuse, and how they go on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from nucleate.errors import NucleateError
from nucleate.model.crystal_model import CrystalModel
from nucleate.predictor import load
from nucleate.runs.model_folder import load_model
from nucleate.sampling.diffusion import DiffusionGenerator
from nucleate.sampling.generator import Generated
from nucleate.sampling.request import new_requests
from nucleate.tuning import Budget, tune
from nucleate.tuning.steps import chains, drawn_channels, log_step
from tests.tuning.made import iron, model

QUICK = ["draws=64", "group=64", "batch=64", "learning_rate=0.02", "times=0", "passes=2", "kl=0"]


@pytest.mark.parametrize("sampler", ["own", "em"])
def test_the_share_of_an_element_rises(tmp_path, sampler):
    settings = [*QUICK, f"sampler={sampler}", "nfe=4"]
    start = model(tmp_path)
    own = load(start).generator
    assert isinstance(own, DiffusionGenerator)
    done = tune(
        start, iron(), tmp_path / "run", "policy", budget=Budget(rounds=6), settings=settings, device="cpu"
    )
    first, last = done.rows[0]["reward"], done.rows[-1]["reward"]
    assert last > first + 0.1, [row["reward"] for row in done.rows]
    tuned = load(done.model).generator
    assert isinstance(tuned, DiffusionGenerator)
    assert tuned.settings.method == ("em" if sampler == "em" else own.settings.method)
    assert (
        np.mean([site.specie.symbol == "Fe" for one in load(done.model).generate(32, 3) for site in one])
        > first
    )


def test_a_chain_ends_on_the_draw_of_the_generator(tmp_path):
    generator = load(model(tmp_path), "cpu").generator
    assert isinstance(generator, DiffusionGenerator)
    settings = generator.settings_by(method="em", nfe=5)
    asked = new_requests([4, 2, 4], generator.limits)
    found = chains(generator.model, asked, settings, 7)
    every = [one for batch in generator.draw(asked, settings, 7) for one in batch]
    drawn = {one.request.key: one.crystal for one in every if isinstance(one, Generated)}
    for chain in found:
        for place, row in enumerate(chain.rows.tolist()):
            size = len(asked[row].species)
            torch.testing.assert_close(chain.crystals.frac[place, :size], drawn[asked[row].key].frac[0])
            assert chain.crystals.species[place, :size].equal(drawn[asked[row].key].species[0])


def test_a_chain_is_probable_under_its_own_weights(tmp_path):
    """Every step has a finite log-probability, on average higher than under other weights."""
    generator = load(model(tmp_path), "cpu").generator
    assert isinstance(generator, DiffusionGenerator)
    settings = generator.settings_by(method="em", nfe=5)
    channels = drawn_channels(generator.model, settings)
    assert set(channels) == {"species", "frac", "lattice"}
    [chain] = chains(generator.model, new_requests([4] * 64, generator.limits), settings, 0)
    other, _, _ = load_model(model(tmp_path / "other"))
    assert isinstance(other, CrystalModel)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        rows = np.arange(64)
        gaps = []
        for step in range(len(chain.times) - 1):
            own, its = (
                log_step(one, chain, step, rows, channels, settings) for one in (generator.model, other)
            )
            assert own.isfinite().all()
            gaps.append(float((own - its).mean()))
    assert sum(gaps) > 0


def test_resumed_after_the_draws_were_measured_it_learns_the_same(tmp_path):
    start, settings = model(tmp_path), [*QUICK, "nfe=3", "draws=16", "group=8", "times=2"]
    whole = tune(
        start, iron(), tmp_path / "whole", "policy", budget=Budget(rounds=2), settings=settings, device="cpu"
    )
    tune(start, iron(), tmp_path / "part", "policy", budget=Budget(rounds=1), settings=settings, device="cpu")
    (tmp_path / "part" / "rounds" / "0002.json").write_bytes(
        (tmp_path / "whole" / "rounds" / "0002.json").read_bytes()
    )
    part = tune(
        start, iron(), tmp_path / "part", "policy", budget=Budget(rounds=2), settings=settings, device="cpu"
    )
    one, other = (load_file(run.model / "weights.safetensors") for run in (whole, part))
    assert all(one[name].equal(other[name]) for name in one)


@pytest.mark.parametrize(
    ("name", "settings", "part"),
    [
        ("flow", ["sampler=em"], "no probabilities that are known|draws nothing"),
        ("flow", [], "draws nothing|no probabilities"),
        ("dng", ["group=1"], "too small"),
        ("dng", ["group=128"], "too large"),
        ("dng", ["sampler=ode"], "can't be 'ode'"),
    ],
)
def test_what_has_no_probabilities_is_refused(tmp_path, name, settings, part):
    with pytest.raises(NucleateError, match=part) as caught:
        tune(model(tmp_path, name), iron(), tmp_path / "run", "policy", settings=settings, device="cpu")
    assert caught.value.hint
    assert not (tmp_path / "run" / "rounds").exists()
