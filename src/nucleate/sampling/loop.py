"""From noise to crystals: one visible loop for every process, integrator and corrector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Literal

import torch

from nucleate.arrays import Mask
from nucleate.crystals import Crystals
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel, States
from nucleate.processes.base import Move
from nucleate.sampling.given import Given, check_given
from nucleate.sampling.settings import SamplerSettings

PRIOR_STEP = 0
NOTHING = torch.zeros(0)
LATEST_SHOWN = 1 - 1e-4
"""The network is never asked at t = 1, where nothing is left to say and weights diverge."""


def time_grid(settings: SamplerSettings) -> torch.Tensor:
    """Times from 0 (noise) to 1 - noise_left, [steps + 1], float64."""
    u = torch.linspace(1, 0, settings.steps + 1, dtype=torch.float64) ** settings.power
    return 1 - (settings.noise_left + (1 - settings.noise_left) * u)


def trajectory(
    model: CrystalModel, mask: Mask, settings: SamplerSettings, noise: Noise, given: Given | None = None
) -> Iterator[tuple[float, States]]:
    """The states at every time of the grid, the prior first. What is given is held; a composition in CSP."""
    check_given(model, given)
    rule, times = settings.rule, time_grid(settings).tolist()
    states = {name: process.prior(mask, noise.at(PRIOR_STEP)) for name, process in model.processes.items()}
    states = given.hold(model, states, 0.0, noise) if given else states
    yield 0.0, states
    for number, (now, then) in enumerate(pairwise(times)):
        t, t_next = (torch.full(mask.shape[:1], value, device=mask.device) for value in (now, then))
        move = Move(t, t_next, mask, noise.at(PRIOR_STEP + 1 + number), rule)
        if rule.method == "pc" and rule.order == "corrector-first":
            states = _moved(model, "correct", states, move)
        states = _moved(model, "step", states, move)
        if rule.method == "pc" and rule.order == "predictor-first":
            states = _moved(model, "correct", states, replace(move, t=t_next, t_next=t))
        states = given.hold(model, states, then, noise) if given else states
        yield then, states


@torch.no_grad()
def _moved(model: CrystalModel, how: Literal["step", "correct"], states: States, move: Move) -> States:
    """One network evaluation at the move's t, then the step or the correction of every process."""
    predictions = model.denoise(states, move.t.clamp(max=LATEST_SHOWN), move.mask)
    return {
        name: getattr(process, how)(states[name], predictions.get(name, NOTHING), move)
        for name, process in model.processes.items()
    }


def sample(
    model: CrystalModel, mask: Mask, settings: SamplerSettings, noise: Noise, given: Given | None = None
) -> Crystals:
    """Crystals with the atoms of mask [crystals, atoms], one for each stream of noise."""
    states: States = {}
    for _, states in trajectory(model, mask, settings, noise, given):  # noqa: B007
        pass
    return model.decode(states, mask)
