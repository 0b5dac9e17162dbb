"""Draws of a diffusion as chains of steps with probabilities: recorded, and asked again under other weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool

from nucleate.arrays import Mask
from nucleate.crystals import Crystals, mask_of
from nucleate.data.buckets import split_by_edges
from nucleate.errors import ModelError
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel, States
from nucleate.processes.base import Move, Process
from nucleate.sampling.generate import EDGES, given_in
from nucleate.sampling.loop import trajectory
from nucleate.sampling.methods.registry import get_method
from nucleate.sampling.request import Request
from nucleate.sampling.settings import SamplerSettings
from nucleate.sampling.walk import LATEST_SHOWN
from nucleate.tuning.objective import PerDraw

METHODS = ("em", "ode", "multistep")
"""Those whose every step draws at most once, from the predictions at its start."""


@dataclass(frozen=True, eq=False)
class Chain:
    """The states of some draws at all times.

    Attributes:
        rows: which draws of the round they are. [draws]
        mask: which atoms are real. [draws, atoms]
        times: of the states, noise first.
        states: at these times.
        crystals: at the end.
    """

    rows: np.ndarray
    mask: Bool[torch.Tensor, "draws atoms"]
    times: tuple[float, ...]
    states: tuple[States, ...]
    crystals: Crystals


def drawn_channels(model: CrystalModel, settings: SamplerSettings) -> tuple[str, ...]:
    """Names of the processes that a sampler draws from a law with known probabilities.

    Raises ModelError where a step has none: by the method, by a process, or where nothing is drawn at all.
    """
    instead = "take --method weighted, which needs no probabilities"
    if settings.method not in METHODS:
        raise ModelError(
            f"steps of the sampler {settings.method} have no probabilities that are known",
            f"add --set sampler=em, or {instead}",
        )
    if model.self_conditioning:
        raise ModelError("steps under self-conditioning depend on earlier guesses", instead)
    learned = {name: one for name, one in model.processes.items() if one.target_width}
    drawn = {name: one for name, one in learned.items() if _draws(one, settings)}
    for name, process in drawn.items():
        if "probability" not in process.can:
            raise ModelError(
                f"steps of {name} by {type(process).__name__} have no probabilities that are known", instead
            )
    if not drawn:
        raise ModelError(
            f"the sampler {settings.method} draws nothing on the way from noise",
            f"add --set sampler=em, or {instead}",
        )
    return tuple(drawn)


def _draws(process: Process, settings: SamplerSettings) -> bool:
    """Whether a step of a process is drawn rather than followed."""
    followed = get_method(settings.method).deterministic and "flow" in process.can
    return "step" in process.can and not followed


def chains(
    model: CrystalModel, asked: Sequence[Request], settings: SamplerSettings, seed: int, edges: int = EDGES
) -> list[Chain]:
    """Draws of requests with all their states, in batches of similar size; those of `sampling.generate`."""
    device = next(model.parameters()).device
    sizes, found = np.array([len(request.species) for request in asked]), []
    for part in split_by_edges(np.argsort(sizes, kind="stable"), sizes, edges):
        chosen = [asked[row] for row in part]
        mask = mask_of(torch.tensor(sizes[part])).to(device)
        noise = Noise.of(seed, torch.tensor([request.key for request in chosen], device=device))
        way = list(trajectory(model, mask, settings, noise, given_in(chosen, mask)))
        times, states = tuple(t for t, _ in way), tuple(state for _, state in way)
        crystals = model.decode(states[-1], mask).to("cpu")
        found.append(Chain(part, mask, times, states, crystals))
    return found


def log_step(
    model: CrystalModel,
    chain: Chain,
    step: int,
    rows: Any,
    channels: Sequence[str],
    settings: SamplerSettings,
) -> PerDraw:
    """Log-probability of one step of some draws of a chain under the model's weights, summed over the channels."""
    mask, now = chain.mask[rows], _at(chain.states[step], rows)
    after = _at(chain.states[step + 1], rows)
    t, t_next = (torch.full(mask.shape[:1], chain.times[step + i], device=mask.device) for i in (0, 1))
    predictions = model.denoise(now, t.clamp(max=LATEST_SHOWN), mask)
    move = Move(t, t_next, mask, _silence(mask))
    total = torch.zeros(mask.shape[:1], device=mask.device)
    for name in channels:
        process = model.processes[name]
        own = settings.owned(replace(move), name, process)
        total = total + process.log_probability(now[name], after[name], predictions[name], own)
    return total


def _at(states: States, rows: Any) -> States:
    return {name: {part: x[rows] for part, x in state.items()} for name, state in states.items()}


def _silence(mask: Mask) -> Noise:
    """A stream that nothing draws from."""
    return Noise.of(0, torch.zeros(len(mask), dtype=torch.long, device=mask.device))
