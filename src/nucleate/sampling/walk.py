"""What every method works with: the processes, the model's predictions, and the settings of each process.

Samplers reach the network only through this, so guidance is applied here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from nucleate.arrays import Conditions, Mask, PerCrystal
from nucleate.model.constraint import FREE, Constraint
from nucleate.model.crystal_model import CrystalModel, States
from nucleate.processes.base import Move, Process, State
from nucleate.sampling.classifier_free import ClassifierFree
from nucleate.sampling.guidance import Guidance, Predictions

LATEST_SHOWN = 1 - 1e-4
"""The network is never called at t = 1, where nothing is left to predict and weights diverge."""
NOTHING = torch.zeros(0)

Owned = Callable[[Move, str, Process], Move]
Step = Callable[[Process, State, Tensor, Move], State]


class Walk:
    """One batch during sampling.

    Attributes:
        model: whose network is asked.
        rules: what the crystals obey; the loop itself begins with it and holds after each step.
        owned: a move with what belongs to one process, by its name, such as its own settings.
        guidance: see `nucleate.sampling.guidance`.
        condition: what the network is told, as in `Crystals`.
        classifier_free: how several answers of the network, told this and that, become one; None for a single answer.
        guess: what the network last expected the data to be, under self-conditioning.
    """

    def __init__(
        self, model: CrystalModel, rules: Constraint = FREE,
        owned: Owned = lambda move, name, process: move, guidance: Guidance | None = None,
        condition: Conditions | None = None, classifier_free: ClassifierFree | None = None,
    ) -> None:  # fmt: skip
        self.model, self.rules, self.owned, self.guidance = model, rules, owned, guidance
        self.condition, self.classifier_free = condition, classifier_free
        self.guess: Predictions | None = None

    def ask(self, states: States, t: PerCrystal, mask: Mask) -> Predictions:
        """Predictions for the states at time t, with guidance. One evaluation of the network, and those of guidance."""
        t, guess = t.clamp(max=LATEST_SHOWN), self.guess
        predictions = self.rules.answer(self._said(states, t, mask, guess), t)
        if self.model.self_conditioning:
            # Of its own answer, as in training.
            self.guess = self.model.guess(states, predictions, t, mask)
        if self.guidance is None:
            return predictions

        def again(others: States, when: PerCrystal) -> Predictions:
            when = when.clamp(max=LATEST_SHOWN)
            return self.rules.answer(self._said(others, when, mask, guess), when)

        return self.rules.answer(self.guidance(predictions, states, t, again), t)

    def _said(self, states: States, t: PerCrystal, mask: Mask, guess: Predictions | None) -> Predictions:
        """What the network says when it is told the condition."""
        if self.classifier_free is None or self.condition is None:
            return self.model.denoise(states, t, mask, guess, self.condition)
        return self.classifier_free(self.model, states, t, mask, guess, self.condition)

    def moved(
        self, states: States, predictions: Predictions, move: Move, step_of: Callable[[str], Step]
    ) -> States:
        """Every process after the step that step_of gives for its name."""
        return {
            name: step_of(name)(process, states[name], predictions.get(name, NOTHING), self.own(move, name))
            for name, process in self.model.processes.items()
        }

    def own(self, move: Move, name: str) -> Move:
        """The move with what belongs to the process of this name, its noise among it."""
        move = replace(move, noise=self.rules.noise(move.noise, name))
        return self.owned(move, name, self.model.processes[name])
