"""Guidance: one hook around the model's answer. Whatever steers a sampler changes what the model says, here.

    def towards(predictions, states, t, ask):
        return {**predictions, "lattice": predictions["lattice"] + ...}

It is called once for each evaluation that a method asks for, with the predictions that the network gave at these states
and times, and gives those that the sampler goes by. `ask(states, t)` evaluates the network again, on other states, at
the cost of one more evaluation. Gradients are off; `torch.enable_grad()` switches them on inside.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from nucleate.arrays import PerCrystal
from nucleate.model.crystal_model import States

Predictions = dict[str, Tensor]
Ask = Callable[[States, PerCrystal], Predictions]
Guidance = Callable[[Predictions, States, PerCrystal, Ask], Predictions]
