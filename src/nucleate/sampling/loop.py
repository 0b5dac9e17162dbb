"""From noise to crystals: one visible loop for every process and every method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import torch

from nucleate.arrays import Conditions, Mask
from nucleate.crystals import Crystals
from nucleate.errors import RecipeError
from nucleate.geometry.noise import Noise
from nucleate.model.constraint import Constraint, Together
from nucleate.model.crystal_model import CrystalModel, States
from nucleate.processes.base import Move
from nucleate.sampling.classifier_free import ClassifierFree
from nucleate.sampling.given import Given, check_given
from nucleate.sampling.grid import time_grid
from nucleate.sampling.guidance import Guidance
from nucleate.sampling.settings import SamplerSettings
from nucleate.sampling.walk import Walk
from nucleate.streams import PRIOR, WALK


def trajectory(
    model: CrystalModel, mask: Mask, settings: SamplerSettings, noise: Noise, given: Given | None = None,
    constraints: Sequence[Constraint] = (), guidance: Guidance | None = None,
    condition: Conditions | None = None, start: float = 0.0, classifier_free: ClassifierFree | None = None,
) -> Iterator[tuple[float, States]]:  # fmt: skip
    """The states at every time of the grid, the prior first. What is given is held; a composition in CSP.

    constraints: that the crystals obey too, asked after what is given. guidance: see `nucleate.sampling.guidance`.
    condition: what the network is told, as in `Crystals`. classifier_free: how strongly. start: the time of the first
    state, where a constraint has to put it there (`sampling.proposal`); the grid is shrunk to what is left. With 0 it
    is noise, at the time of the settings.

    Raises RecipeError where a process can't what the method takes, and for a start that is not from 0 to below 1.
    """
    check_given(model, given)
    if not 0 <= start < 1:
        raise RecipeError(f"a draw can't start at t = {start}", "give a time from 0 to below 1")
    method, times = settings.made(), time_grid(replace(settings, start=start or settings.start)).tolist()
    method.check(model.processes)
    rules = Together([*([given.on(model, noise)] if given else []), *constraints])
    walk = Walk(model, rules, settings.owned, guidance, condition, classifier_free)
    # One stream for all processes: of a stream of its own each would get the same numbers.
    first = noise.at(PRIOR.step())
    processes = model.processes_for(None if given is None else given.crystals.species)
    states = {name: process.prior(mask, rules.noise(first, name)) for name, process in processes.items()}
    states = rules.begin(states)
    if times[0] > 0:
        states = rules.hold(states, torch.full(mask.shape[:1], times[0], device=mask.device))
    yield times[0], states
    for number, (now, then) in enumerate(pairwise(times)):
        t, t_next = (torch.full(mask.shape[:1], value, device=mask.device) for value in (now, then))
        move = Move(t, t_next, mask, noise.at(WALK.step(number)))
        with torch.no_grad():
            states = method.step(walk, states, move)
        states = rules.hold(states, t_next)
        yield then, states


def sample(
    model: CrystalModel, mask: Mask, settings: SamplerSettings, noise: Noise, given: Given | None = None,
    constraints: Sequence[Constraint] = (), guidance: Guidance | None = None,
    condition: Conditions | None = None, start: float = 0.0,
) -> Crystals:  # fmt: skip
    """Crystals with the atoms of mask [crystals, atoms], one for each stream of noise."""
    states: States = {}
    way = trajectory(model, mask, settings, noise, given, constraints, guidance, condition, start)
    for _, states in way:  # noqa: B007
        pass
    rules = Together(constraints)
    return rules.finish(model.decode(rules.settle(states), mask))
