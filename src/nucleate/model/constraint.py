"""Constraint: what the crystals of one batch must obey, asked for by the sampler and by the loss alike.

    start --begin--> state --network--> predictions --answer--> step with noise(...) --hold--> state        (sampling/)
    data --corrupt with noise(...)--> state --hold--> state --network--> predictions --answer--> loss       (training)

and at the end of the former, states are decoded --finish--> crystals.

Two kinds fit in. One puts something in the place of what was drawn: what is given (`sampling.given`). The other
projects onto a subspace: a symmetry (`model.symmetric`). Whoever makes a constraint gives it what it needs of the
batch: the mask, the model's processes and codecs, operations, values.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from nucleate.arrays import PerCrystal
from nucleate.crystals import Crystals
from nucleate.geometry.noise import Noise
from nucleate.processes.base import State

States = dict[str, State]
Predictions = dict[str, Tensor]
"""Both by the names of the processes."""


class Constraint:
    """Nothing is constrained. A constraint says otherwise where it has something to say.

    None of the six changes what it is given; what has nothing to change may be given back as it is.

    Attributes:
        projects: whether `hold` leaves states as they are that obey already. Only then has it a place in a loss, since
            targets belong to the states that were corrupted.
    """

    projects: bool = True

    def begin(self, states: States) -> States:
        """Where the sampler starts, from draws of the priors; it may be another state altogether."""
        return states

    def noise(self, noise: Noise, name: str) -> Noise:
        """The stream that the process of this name draws from: in its prior, in corruption, in steps and correctors.

        All processes draw from one stream, so another one has to count its draws there
        (`geometry.noise.MappedNoise`).
        """
        return noise

    def answer(self, predictions: Predictions, t: PerCrystal) -> Predictions:
        """The network's predictions at the times t, or a loss's targets of the same kind."""
        return predictions

    def hold(self, states: States, t: PerCrystal) -> States:
        """The states at the times t: after each step, where a method looks ahead, and what a loss has corrupted."""
        return states

    def settle(self, states: States) -> States:
        """The states at the end, before they are decoded."""
        return states

    def finish(self, crystals: Crystals) -> Crystals:
        """The crystals that were decoded at the end."""
        return crystals


FREE = Constraint()


class Together(Constraint):
    """Several constraints, each asked in turn of what the one before has left: the last has the last word."""

    def __init__(self, parts: Sequence[Constraint]) -> None:
        self.parts = tuple(parts)
        self.projects = all(part.projects for part in self.parts)

    def begin(self, states: States) -> States:
        for part in self.parts:
            states = part.begin(states)
        return states

    def noise(self, noise: Noise, name: str) -> Noise:
        for part in self.parts:
            noise = part.noise(noise, name)
        return noise

    def answer(self, predictions: Predictions, t: PerCrystal) -> Predictions:
        for part in self.parts:
            predictions = part.answer(predictions, t)
        return predictions

    def hold(self, states: States, t: PerCrystal) -> States:
        for part in self.parts:
            states = part.hold(states, t)
        return states

    def settle(self, states: States) -> States:
        for part in self.parts:
            states = part.settle(states)
        return states

    def finish(self, crystals: Crystals) -> Crystals:
        for part in self.parts:
            crystals = part.finish(crystals)
        return crystals
