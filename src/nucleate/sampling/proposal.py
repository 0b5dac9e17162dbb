"""A draw that starts from a proposal: the reverse process begun at an intermediate time from a given crystal.

Noise as of the time t is added to the crystal, and the model takes it away (SDEdit: Meng et al. 2022,
arXiv 2108.01073).

    begun = Begun(crystals, model, noise, 0.8, symmetric)
    refined = sample(model, mask, settings, noise, given, [symmetric, begun], start=0.8)
"""

from __future__ import annotations

import torch

from nucleate.crystals import Crystals
from nucleate.geometry.noise import Noise
from nucleate.model.constraint import FREE, Constraint, States
from nucleate.model.crystal_model import CrystalModel
from nucleate.streams import PRIOR


class Begun(Constraint):
    """States begin as the forward process leaves the given crystals at the time `start`; afterwards they are free.

    crystals: on the model's device. noise: of the whole way. within: what the crystals obey besides, so that their
    noise does too.
    """

    def __init__(
        self,
        crystals: Crystals,
        model: CrystalModel,
        noise: Noise,
        start: float,
        within: Constraint = FREE,
    ) -> None:
        self.crystals, self.model, self.start, self.within = crystals, model, start, within
        self._noise = noise

    def begin(self, states: States) -> States:
        mask, first = self.crystals.mask, self._noise.at(PRIOR.step())
        t = torch.full(mask.shape[:1], self.start, device=mask.device)
        return {
            name: process.corrupt(
                self.model.channel(name, self.crystals), t, mask, self.within.noise(first, name)
            ).state
            for name, process in self.model.processes.items()
        }
