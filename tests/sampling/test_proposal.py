"""A draw that starts from a proposal: near its end it gives the proposal back, under its symmetry too."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nucleate.crystals import Crystals
from nucleate.errors import RecipeError
from nucleate.geometry.noise import Noise
from nucleate.model.constraint import Constraint
from nucleate.sampling.given import Given
from nucleate.sampling.loop import sample, trajectory
from nucleate.sampling.proposal import Begun
from nucleate.sampling.settings import SamplerSettings
from tests.model.test_symmetric import FRAC, TEMPLATES, mask_of, misfit, model, rules

MASK = mask_of(TEMPLATES)
SETTINGS = SamplerSettings(method="ode", steps=3)


def proposal(one, bound) -> Crystals:
    species = torch.zeros(MASK.shape, dtype=torch.long)
    frac = torch.zeros(*MASK.shape, 3)
    for row, chosen in enumerate(TEMPLATES):
        species[row, : len(chosen.species)] = torch.tensor(chosen.species)
        frac[row, : len(chosen.species)] = torch.tensor(chosen.frac).float()
    return Crystals(species, frac, one.codec.decode(bound.plane.reference.float(), MASK.sum(1)), MASK)


@pytest.mark.parametrize("under_symmetry", [False, True])
@pytest.mark.parametrize("name", ["kinetic", "wrapped-normal", "flow"])
def test_a_late_start_stays_near_and_an_early_one_does_not(name: str, under_symmetry: bool) -> None:
    one = model(FRAC[name])
    bound = rules(one)
    crystals, noise = proposal(one, bound), Noise.of(1, torch.arange(len(MASK)))
    given = Given.composition(crystals.species, MASK)
    moved = {}
    for start in (0.2, 0.999):
        begun = Begun(crystals, one, noise, start, bound if under_symmetry else Constraint())
        constraints = [bound, begun] if under_symmetry else [begun]
        found = sample(one, MASK, SETTINGS, noise, given, constraints, start=start)
        gap = (found.frac - crystals.frac + 0.5) % 1 - 0.5
        moved[start] = gap.abs().amax()
        if under_symmetry:
            assert misfit(found, TEMPLATES)[0] < 1e-6
    assert moved[0.999] < 0.05 < moved[0.2]


def test_times_go_from_the_start_to_the_data() -> None:
    one = model(FRAC["flow"])
    crystals, noise = proposal(one, rules(one)), Noise.of(1, torch.arange(len(MASK)))
    given = Given.composition(crystals.species, MASK)
    way = trajectory(one, MASK, SETTINGS, noise, given, [Begun(crystals, one, noise, 0.4)], start=0.4)
    np.testing.assert_allclose([t for t, _ in way], [0.4, 0.6, 0.8, 1.0])


def test_a_start_at_the_data_is_refused() -> None:
    one = model(FRAC["flow"])
    crystals, noise = proposal(one, rules(one)), Noise.of(1, torch.arange(len(MASK)))
    given = Given.composition(crystals.species, MASK)
    with pytest.raises(RecipeError, match="can't start at t = 1"):
        next(trajectory(one, MASK, SETTINGS, noise, given, start=1.0))
