"""`em`: one draw from the reverse stochastic process of each quantity.

Exact posterior steps for Gaussians, Euler-Maruyama elsewhere (Song et al. 2021, arXiv 2011.13456; Ho et al. 2020,
arXiv 2006.11239). A flow, which has nothing to draw, is followed.
"""

from __future__ import annotations

from nucleate.model.crystal_model import States
from nucleate.processes.base import Move
from nucleate.sampling.methods.base import Method, drawn
from nucleate.sampling.walk import Walk


class EulerMaruyama(Method):
    """First order, stochastic."""

    name = "em"

    def step(self, walk: Walk, states: States, move: Move) -> States:
        predictions = walk.ask(states, move.t, move.mask)
        return walk.moved(states, predictions, move, lambda name: drawn)
