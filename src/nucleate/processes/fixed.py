"""A quantity that is given and never changes: the composition in crystal structure prediction."""

from __future__ import annotations

import torch
from torch import Tensor

from nucleate.arrays import Mask, PerCrystal
from nucleate.geometry.noise import Noise
from nucleate.processes.base import Move, Noised, Process, State


class Fixed(Process):
    """Known species. The request gives them to the sampler (`Process.held`)."""

    level = "atom"
    target_width = 0

    def prior(self, mask: Mask, noise: Noise) -> State:
        return {"x": torch.zeros_like(mask, dtype=torch.long)}

    def corrupt(self, data: Tensor, t: PerCrystal, mask: Mask, noise: Noise) -> Noised:
        return Noised({"x": data}, torch.zeros(0), torch.zeros_like(t))

    def inputs(self, state: State, t: PerCrystal) -> dict[str, Tensor]:
        return {"species": state["x"]}

    def step(self, state: State, prediction: Tensor, move: Move) -> State:
        return state

    def endpoint(self, state: State, prediction: Tensor, t: PerCrystal, mask: Mask) -> Tensor:
        return state["x"]

    def decode(self, state: State) -> Tensor:
        return state["x"]
