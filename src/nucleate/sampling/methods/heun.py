"""`heun`: the probability flow at second order, by its mean at both ends of the step.

An exponential trapezoidal rule; Heun's where a process follows its flow by Euler's steps. A last step that ends on the
data, where the network is not asked, is of first order.
"""

from __future__ import annotations

from nucleate.model.crystal_model import States
from nucleate.processes.base import Move
from nucleate.sampling.methods.base import Method, along
from nucleate.sampling.methods.second_order import flows, followed
from nucleate.sampling.walk import Walk


class Heun(Method):
    """Second order, deterministic, two evaluations a step."""

    name = "heun"
    deterministic = True
    asks = 2

    def evaluations(self, steps: int, to_data: bool) -> int:
        return 2 * steps - to_data

    def step(self, walk: Walk, states: States, move: Move) -> States:
        predictions = walk.ask(states, move.t, move.mask)
        ahead = walk.moved(states, predictions, move, lambda name: along)
        if bool((move.t_next >= 1).all()):
            return ahead
        looked = walk.rules.hold(ahead, move.t_next)
        asked = walk.ask(looked, move.t_next, move.mask)
        then = flows(walk, looked, asked, move.t_next, move.mask)
        now = flows(walk, states, predictions, move.t, move.mask)
        return followed(walk, states, ahead, now, then, 0.5, move)
