"""One step of a sampler: ask the network, then move every process by the rule.

First-order steps and correctors are the processes' own. The second-order ones are general, since a process says what
of its probability flow is smooth (`flow`) and how the rest is integrated (`follow`): `heun` averages the flow at both
ends (an exponential trapezoidal rule; Heun's where `follow` is Euler's), `multistep` extrapolates it to the middle of
the step from the last two answers (Adams-Bashforth; DPM-Solver++ 2M, arXiv 2211.01095, in the sampler's time).
Processes without a probability flow take their first-order step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from nucleate.arrays import Mask, PerCrystal
from nucleate.model.crystal_model import CrystalModel, States
from nucleate.processes.base import Move, StepRule

LATEST_SHOWN = 1 - 1e-4
"""The network is never asked at t = 1, where nothing is left to say and weights diverge."""
NOTHING = torch.zeros(0)

Predictions = dict[str, Tensor]
Flows = dict[str, Tensor | None]


class Walk:
    """What a sampler carries from step to step.

    Attributes:
        model: whose network is asked.
        anneal: slope of the velocity factor by the name of the process. rule_of: its rule, by the same name.
        hold: puts what is known in place at a time, for states that are only looked at.
    """

    def __init__(
        self, model: CrystalModel, hold: Callable[[States, float], States],
        anneal: Callable[[str], float] = lambda name: 0.0, rule_of: Callable[[str], StepRule] | None = None,
    ) -> None:  # fmt: skip
        self.model, self.hold, self.anneal, self.rule_of = model, hold, anneal, rule_of
        self.guess: dict[str, Tensor] | None = None
        self.earlier: tuple[Flows, float] | None = None

    @torch.no_grad()
    def step(self, states: States, move: Move) -> States:
        """The states at the move's t_next."""
        predictions = self._ask(states, move.t, move.mask)
        if move.rule.method == "heun":
            return self._heun(states, predictions, move)
        if move.rule.method == "multistep":
            return self._multistep(states, predictions, move)
        return self._moved(states, predictions, move)

    @torch.no_grad()
    def correct(self, states: States, move: Move) -> States:
        """The states after a corrector step at the move's t."""
        predictions = self._ask(states, move.t, move.mask)
        return {
            name: process.correct(states[name], predictions.get(name, NOTHING), move)
            if move.rule.corrects in ("all", name)
            else states[name]
            for name, process in self.model.processes.items()
        }

    def _ask(self, states: States, t: PerCrystal, mask: Mask) -> Predictions:
        t = t.clamp(max=LATEST_SHOWN)
        predictions = self.model.denoise(states, t, mask, self.guess)
        if self.model.self_conditioning:
            self.guess = self.model.guess(states, predictions, t, mask)
        return predictions

    def _moved(self, states: States, predictions: Predictions, move: Move) -> States:
        return {
            name: process.step(states[name], predictions.get(name, NOTHING), self._own(move, name))
            for name, process in self.model.processes.items()
        }

    def _own(self, move: Move, name: str) -> Move:
        rule = self.rule_of(name) if self.rule_of else move.rule
        return replace(move, anneal=self.anneal(name), rule=rule)

    def _flows(self, states: States, predictions: Predictions, t: PerCrystal, mask: Mask) -> Flows:
        t = t.clamp(max=LATEST_SHOWN)
        return {
            name: process.flow(states[name], predictions.get(name, NOTHING), t, mask)
            for name, process in self.model.processes.items()
        }

    def _heun(self, states: States, predictions: Predictions, move: Move) -> States:
        ahead = self._moved(states, predictions, move)
        if bool((move.t_next >= 1).all()):
            return ahead
        looked = self.hold(ahead, float(move.t_next[0]))
        then = self._flows(looked, self._ask(looked, move.t_next, move.mask), move.t_next, move.mask)
        now = self._flows(states, predictions, move.t, move.mask)
        return self._followed(states, ahead, now, then, 0.5, move)

    def _multistep(self, states: States, predictions: Predictions, move: Move) -> States:
        now = self._flows(states, predictions, move.t, move.mask)
        length = float(move.t_next[0] - move.t[0])
        earlier, self.earlier = self.earlier, (now, length)
        ahead = self._moved(states, predictions, move)
        if earlier is None or bool((move.t_next >= 1).all()):
            return ahead
        before, length_before = earlier
        return self._followed(states, ahead, now, before, -0.5 * length / length_before, move)

    def _followed(
        self, states: States, ahead: States, now: Flows, other: Flows, weight: float, move: Move
    ) -> States:
        """Along the flow between now and other; as in `ahead` where a process has no flow."""
        moved = dict(ahead)
        for name, process in self.model.processes.items():
            one, two = now[name], other[name]
            if one is not None and two is not None:
                flow = process.between(one, two, weight)
                moved[name] = process.follow(states[name], flow, self._own(move, name))
        return moved
