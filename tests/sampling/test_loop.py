"""The sampling loop: its time grid, its count of network evaluations, and what it shows the network when."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from nucleate.codecs.lattice import LogLengthsTanAngles
from nucleate.crystals import mask_of
from nucleate.errors import ModelError
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel
from nucleate.networks.base import Denoiser
from nucleate.processes.fixed import Fixed
from nucleate.processes.gaussian import Gaussian, GaussianSettings
from nucleate.processes.kinetic import Kinetic, KineticSettings
from nucleate.processes.masked import Masked, MaskedSettings
from nucleate.recipes.kldm import PAPER_SAMPLER
from nucleate.sampling.given import Given
from nucleate.sampling.grid import time_grid
from nucleate.sampling.job import Job
from nucleate.sampling.loop import sample, trajectory
from nucleate.sampling.settings import SamplerSettings
from nucleate.settings import to_dict


class Recorder(Denoiser):
    """A network that answers something smooth for each crystal by itself, and remembers when it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def forward(self, inputs, t, mask):
        self.times.append(t[0].item())
        real = mask.unsqueeze(-1)
        centre = (inputs["frac"] * real).sum(1) / real.sum(1)
        lattice = 0.1 * inputs["lattice"] + torch.cat([centre, centre], -1)
        return {"frac": torch.sin(6.28 * inputs["frac"]) * real, "lattice": lattice}


def model() -> CrystalModel:
    processes = {
        "species": Fixed(),
        "frac": Kinetic(KineticSettings()),
        "lattice": Gaussian(GaussianSettings()),
    }
    return CrystalModel(processes, LogLengthsTanAngles(), Recorder())


def species_of(mask: torch.Tensor) -> torch.Tensor:
    return torch.where(mask, torch.arange(1, mask.shape[1] + 1), torch.zeros(1, dtype=torch.long))


def given(mask: torch.Tensor) -> Given:
    return Given.composition(species_of(mask), mask)


@pytest.mark.parametrize("power", [1.0, 2.0])
@pytest.mark.parametrize("noise_left", [0.0, 0.01])
def test_time_grid_runs_from_noise_to_data(power, noise_left):
    grid = time_grid(SamplerSettings(steps=40, power=power, noise_left=noise_left))
    assert grid.shape == (41,)
    assert grid[0] == 0
    assert grid[-1].item() == pytest.approx(1 - noise_left, abs=1e-12)
    steps = grid.diff()
    assert (steps > 0).all()
    assert steps[0] / steps[-1] > 10 if power > 1 else torch.allclose(steps, steps[:1])


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        (SamplerSettings("em", steps=3), [0, 1 / 3, 2 / 3]),
        (SamplerSettings("ode", steps=2), [0, 0.5]),
        (SamplerSettings("pc", steps=2), [0, 0, 0.5, 0.5]),
        (SamplerSettings("pc", steps=2, order="predictor-first"), [0, 0.5, 0.5, 1 - 1e-4]),
    ],
    ids=["em", "ode", "pc", "pc-predictor-first"],
)
def test_the_network_is_called_at_the_right_times_and_calls_are_counted(settings, shown, mask, noise):
    one = model()
    sample(one, mask, settings, noise, given(mask))
    assert isinstance(one.network, Recorder)
    assert one.network.times == pytest.approx(shown, abs=1e-6)
    assert one.evaluations == settings.evaluations


@pytest.mark.parametrize("method", ["em", "ode", "pc"])
def test_a_crystal_does_not_depend_on_its_batch(method, mask):
    settings = SamplerSettings(method, steps=5)
    together = sample(model(), mask, settings, Noise.of(0, torch.tensor([4, 5, 6])), given(mask))
    for i, atoms in enumerate(mask.sum(1).tolist()):
        alone_mask = mask_of(torch.tensor([atoms]))
        alone = sample(model(), alone_mask, settings, Noise.of(0, torch.tensor([4 + i])), given(alone_mask))
        torch.testing.assert_close(together.lattice[i], alone.lattice[0], rtol=1e-4, atol=1e-4)
        gap = (together.frac[i, :atoms] - alone.frac[0] + 0.5).remainder(1) - 0.5
        assert gap.abs().max() < 1e-4


def test_samples_are_crystals_with_the_given_species_and_empty_padding(mask, noise):
    crystals = sample(model(), mask, SamplerSettings(steps=4), noise, given(mask))
    assert torch.equal(crystals.species, species_of(mask))
    assert torch.equal(crystals.mask, mask)
    assert (crystals.frac[~mask] == 0).all()
    assert torch.isfinite(crystals.frac).all()
    assert torch.isfinite(crystals.lattice).all()
    assert ((crystals.frac >= 0) & (crystals.frac <= 1)).all()


def test_trajectory_holds_every_time_and_keeps_the_species(mask, noise):
    settings = SamplerSettings("em", steps=6)
    path = list(trajectory(model(), mask, settings, noise, given(mask)))
    assert [t for t, _ in path] == pytest.approx(time_grid(settings).tolist())
    assert all(torch.equal(states["species"]["x"], species_of(mask)) for _, states in path)


def test_a_late_start_takes_the_same_noise_for_that_of_a_later_time(mask, noise):
    """The network is told the time, and what is given is held there from the first state on."""
    one, late = model(), SamplerSettings("ode", steps=2, start=0.2)
    cells = given(mask).crystals
    known = Given(cells, {"species": mask, "lattice": torch.ones(len(mask), dtype=torch.bool)})
    path = list(trajectory(one, mask, late, noise, known))
    (_, first), *_ = trajectory(model(), mask, replace(late, start=0.0), noise, known)
    assert [t for t, _ in path] == pytest.approx([0.2, 0.6, 1.0])
    assert isinstance(one.network, Recorder)
    assert one.network.times == pytest.approx([0.2, 0.6])
    assert torch.equal(path[0][1]["frac"]["theta"], first["frac"]["theta"])
    assert not torch.equal(path[0][1]["lattice"]["x"], first["lattice"]["x"])


def test_the_same_seed_gives_the_same_crystal_and_another_seed_another(mask):
    draws = [
        sample(model(), mask, SamplerSettings(steps=3), Noise.of(seed, torch.arange(3)), given(mask))
        for seed in (0, 0, 1)
    ]
    assert torch.equal(draws[0].frac, draws[1].frac)
    assert not torch.equal(draws[0].frac, draws[2].frac)


class Knowing(Recorder):
    """A recorder that names the species too."""

    def forward(self, inputs, t, mask):
        return {**super().forward(inputs, t, mask), "species": torch.zeros(*mask.shape, 100)}


@pytest.fixture
def taken(monkeypatch):
    """Which random numbers were drawn: (key of a crystal, number of the draw)."""
    drawn: list[tuple[int, int]] = []
    bits = Noise._bits

    def recorded(self: Noise, shape: tuple[int, ...]) -> torch.Tensor:
        result = bits(self, shape)
        drawn.extend((key, self.draws) for key in self.keys.tolist())
        return result

    monkeypatch.setattr(Noise, "_bits", recorded)
    return drawn


def inventive() -> CrystalModel:
    processes = {
        "species": Masked(MaskedSettings()),
        "frac": Kinetic(KineticSettings()),
        "lattice": Gaussian(GaussianSettings()),
    }
    return CrystalModel(processes, LogLengthsTanAngles(), Knowing())


@pytest.mark.parametrize("order", ["corrector-first", "predictor-first"])
@pytest.mark.parametrize("method", ["em", "pc"])
def test_no_random_number_is_used_twice(method, order, mask, noise, taken):
    """The prior, every step and corrector, and every process have numbers of their own."""
    settings = SamplerSettings(method, steps=4, order=order, predictor="em")
    list(trajectory(inventive(), mask, settings, noise))
    # The prior: of frac two, of lattice one. A step: of species two, of the others one, and one for each corrector.
    assert len(taken) == len(mask) * (3 + 4 * (4 + 2 * (method == "pc")))
    assert len(set(taken)) == len(taken)


def test_given_parts_have_their_own_noise_fixed_over_time(mask, noise, taken):
    crystals = Given.composition(species_of(mask), mask).crystals
    known = Given(crystals, {"frac": mask, "lattice": torch.ones(3, dtype=torch.bool)})
    one = inventive()
    start = {name: process.prior(mask, noise.at(9)) for name, process in one.processes.items()}
    calls = []
    for t in (0.2, 0.7):
        taken.clear()
        known.on(one, noise).hold(start, torch.full((len(mask),), t))
        assert len(set(taken)) == len(taken) == len(mask) * 3
        calls.append(list(taken))
    assert calls[0] == calls[1]


def test_a_predictor_of_one_quantity_moves_only_that_one(mask, monkeypatch):
    """The sampler of KLDM's paper: deterministic for the velocities, Euler-Maruyama for the lattice."""
    taken: set[tuple[str, str]] = set()
    for kind, way in ((k, w) for k in (Kinetic, Gaussian) for w in ("step", "predict", "along")):
        real = getattr(kind, way)

        def moved(self, state, prediction, move, real=real, way=way):
            taken.add((type(self).__name__, way))
            return real(self, state, prediction, move)

        monkeypatch.setattr(kind, way, moved)
    settings = replace(PAPER_SAMPLER, steps=3)
    list(trajectory(model(), mask, settings, Noise.of(0, torch.arange(3)), given(mask)))
    assert taken == {("Kinetic", "predict"), ("Gaussian", "step")}


def test_an_old_job_resumes_after_the_sampler_gained_settings(tmp_path):
    asked = {"seed": 0, "sampler": to_dict(SamplerSettings())}
    Job(tmp_path, asked)
    record = tmp_path / "job.json"
    old = json.loads(record.read_text())
    for name in ("predictor_frac", "predictor_lattice", "predictor_species"):
        del old["sampler"][name]
    record.write_text(json.dumps(old))
    Job(tmp_path, asked)
    with pytest.raises(ModelError, match="other sampler"):
        Job(tmp_path, {"seed": 0, "sampler": to_dict(SamplerSettings(predictor_lattice="em"))})
