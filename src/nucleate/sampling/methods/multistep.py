"""`multistep`: the probability flow at second order with one evaluation a step, from the last two answers.

Adams-Bashforth: the flow is extrapolated to the middle of the step (DPM-Solver++ 2M, arXiv 2211.01095, in the sampler's
time). The first step, and a last one that ends on the data, are of first order.
"""

from __future__ import annotations

from typing import Any

from nucleate.model.crystal_model import States
from nucleate.processes.base import Move
from nucleate.sampling.methods.base import Method, along
from nucleate.sampling.methods.second_order import Flows, flows, followed
from nucleate.sampling.walk import Walk


class Multistep(Method):
    """Second order, deterministic.

    Attributes:
        earlier: the flow at the start of the last step, and its length.
    """

    name = "multistep"
    deterministic = True

    def __init__(self, settings: Any = None) -> None:
        super().__init__(settings)
        self.earlier: tuple[Flows, float] | None = None

    def step(self, walk: Walk, states: States, move: Move) -> States:
        predictions = walk.ask(states, move.t, move.mask)
        now = flows(walk, states, predictions, move.t, move.mask)
        length = float(move.t_next[0] - move.t[0])
        earlier, self.earlier = self.earlier, (now, length)
        ahead = walk.moved(states, predictions, move, lambda name: along)
        if earlier is None or bool((move.t_next >= 1).all()):
            return ahead
        before, length_before = earlier
        return followed(walk, states, ahead, now, before, -0.5 * length / length_before, move)
