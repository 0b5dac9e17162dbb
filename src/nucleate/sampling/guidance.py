"""Guidance: one hook around the model's answer. Whatever steers a sampler changes what the model says, here.

    def towards(predictions, states, t, ask):
        return {**predictions, "lattice": predictions["lattice"] + ...}

It is called once for each evaluation that a method asks for, with the predictions that the network gave at these states
and times, and gives those that the sampler goes by. `ask(states, t)` evaluates the network again, on other states, at
the cost of one more evaluation. Gradients are off; `torch.enable_grad()` switches them on inside.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from torch import Tensor

from nucleate.arrays import Mask, PerCrystal
from nucleate.model.crystal_model import CrystalModel, States
from nucleate.sampling.request import Request

Predictions = dict[str, Tensor]
Ask = Callable[[States, PerCrystal], Predictions]
Guidance = Callable[[Predictions, States, PerCrystal, Ask], Predictions]


class Guides(ABC):
    """What carries out the pulls of requests; above this floor, since it knows predictors."""

    @abstractmethod
    def check(self, requests: Sequence[Request]) -> None:
        """Raise ModelError for a pull by a predictor that is not there."""

    @abstractmethod
    def of(self, requests: Sequence[Request], model: CrystalModel, mask: Mask) -> Guidance | None:
        """The guidance of one batch of this model; None where nothing pulls."""


def in_turn(*guidances: Guidance | None) -> Guidance | None:
    """Several as one: each is given what the one before it says."""
    present = [one for one in guidances if one is not None]
    if len(present) < 2:
        return present[0] if present else None

    def both(predictions: Predictions, states: States, t: PerCrystal, ask: Ask) -> Predictions:
        for one in present:
            predictions = one(predictions, states, t, ask)
        return predictions

    return both
