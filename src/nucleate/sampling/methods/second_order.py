"""What methods of second order share, since a process says what of its probability flow is smooth (`flow`) and how the
rest is integrated (`follow`): a step that follows a mean of two values of `flow`, or a value ahead of them.
"""

from __future__ import annotations

from torch import Tensor

from nucleate.arrays import Mask, PerCrystal
from nucleate.model.crystal_model import States
from nucleate.processes.base import Move
from nucleate.sampling.guidance import Predictions
from nucleate.sampling.walk import LATEST_SHOWN, NOTHING, Walk

Flows = dict[str, Tensor]


def flows(walk: Walk, states: States, predictions: Predictions, t: PerCrystal, mask: Mask) -> Flows:
    """The values of `flow` at time t, of the processes that have one."""
    t = t.clamp(max=LATEST_SHOWN)
    return {
        name: process.flow(states[name], predictions.get(name, NOTHING), t, mask)
        for name, process in walk.model.processes.items()
        if "flow" in process.can
    }


def followed(
    walk: Walk, states: States, ahead: States, now: Flows, other: Flows, weight: float, move: Move
) -> States:
    """Along now + weight (other - now); as in `ahead` where a process has no flow."""
    moved = dict(ahead)
    for name, flow in now.items():
        process = walk.model.processes[name]
        mean = process.between(flow, other[name], weight)
        moved[name] = process.follow(states[name], mean, walk.own(move, name))
    return moved
