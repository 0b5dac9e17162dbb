"""`ode`: the probability flow at first order, by each process's own integrator.

DDIM for Gaussians (arXiv 2010.02502), Euler's step for flows. A process without a probability flow takes a drawn step.
"""

from __future__ import annotations

from nucleate.model.crystal_model import States
from nucleate.processes.base import Move
from nucleate.sampling.methods.base import Method, along
from nucleate.sampling.walk import Walk


class Flow(Method):
    """First order, deterministic."""

    name = "ode"
    deterministic = True

    def step(self, walk: Walk, states: States, move: Move) -> States:
        predictions = walk.ask(states, move.t, move.mask)
        return walk.moved(states, predictions, move, lambda name: along)
