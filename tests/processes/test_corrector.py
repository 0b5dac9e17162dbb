"""Step sizes of the Langevin corrector on the exact score of a normal law: what is biased, and what is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from nucleate.codecs.lattice import LogLengthsTanAngles
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel
from nucleate.networks.base import Denoiser
from nucleate.processes.gaussian import Gaussian, GaussianSettings
from nucleate.recipes.kldm import PAPER_SAMPLER
from nucleate.sampling.loop import trajectory
from nucleate.sampling.settings import SamplerSettings
from tests.processes.exact import normal_oracle

SPREAD = 0.4
CRYSTALS = 1500


class Cells(CrystalModel):
    """Six numbers of a cell, each normal with the standard deviation SPREAD, and the exact answer for them."""

    def __init__(self) -> None:
        process = Gaussian(GaussianSettings())
        super().__init__({"lattice": process}, LogLengthsTanAngles(), Denoiser())
        self.oracle = normal_oracle(process, SPREAD)

    def denoise(self, states, t, mask, guess=None, condition=None):
        return {"lattice": self.oracle(self.processes["lattice"].inputs(states["lattice"], t), t, mask)}


def spread(settings: SamplerSettings) -> float:
    mask = torch.ones(CRYSTALS, 1, dtype=torch.bool)
    states = {}
    for _, states in trajectory(Cells(), mask, settings, Noise.of(0, torch.arange(CRYSTALS))):  # noqa: B007
        pass
    return states["lattice"]["x"].std().item()


@pytest.mark.parametrize("order", ["corrector-first", "predictor-first"])
def test_a_corrector_by_the_crystals_own_score_is_too_wide_and_more_steps_make_it_no_better(order):
    few, many = (spread(SamplerSettings("pc", steps=steps, order=order)) for steps in (100, 300))
    assert 0.49 < few < 0.53
    assert 0.50 < many < 0.55


@pytest.mark.parametrize("order", ["corrector-first", "predictor-first"])
def test_a_corrector_by_the_expected_score_has_the_width_of_the_law(order):
    settings = SamplerSettings("pc", steps=100, order=order, corrector="expected")
    assert spread(settings) == pytest.approx(SPREAD, abs=0.008)


def test_a_lattice_without_a_corrector_has_the_width_of_the_law():
    """The paper's sampler: Euler-Maruyama for the lattice, whatever the corrector of the velocities does."""
    settings = replace(PAPER_SAMPLER, steps=200)
    assert spread(settings) == pytest.approx(SPREAD, abs=0.02)
