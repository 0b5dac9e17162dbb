"""What guidance raises: the log-likelihood, up to a constant, of having the property that is asked for.

All in units of the predictor's own error, so that a weight means the same for every property.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from nucleate.arrays import PerCrystal
from nucleate.properties.model import PropertyModel
from nucleate.properties.soft import SoftCrystals

Objective = Callable[[SoftCrystals, PerCrystal], PerCrystal]
"""Any differentiable function of crystals and times: clean ones at t = 1, or as they are at time t."""


@dataclass(frozen=True, eq=False)
class Towards:
    """A value: -(mean - value)^2 / 2 for a property known to within its error.

    Attributes:
        model: the predictor.
        value: what is asked for, in the property's unit.
    """

    model: PropertyModel
    value: float
    aim: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "aim", float(self.model.statistics.on_scale(torch.tensor(float(self.value))))
        )

    def __call__(self, soft: SoftCrystals, t: PerCrystal) -> PerCrystal:
        off = (self.model.members(soft, t).mean(1) - self.aim) / self.model.error
        return -0.5 * off.square()


@dataclass(frozen=True, eq=False)
class Along:
    """More of a property, or less, that the members agree on: the lower confidence bound, sign mean - doubt spread.

    Each member counts no farther than the labels go: beyond them there is nothing to gain.

    Attributes:
        model: the predictor.
        sign: 1 for more, -1 for less.
        doubt: standard deviations between the members that count against a crystal; 0 for the mean.
    """

    model: PropertyModel
    sign: float = 1.0
    doubt: float = 0.0

    def __call__(self, soft: SoftCrystals, t: PerCrystal) -> PerCrystal:
        said = self.model.members(soft, t).clamp(*self.model.scaled_ends)
        # Smooth where the members agree.
        spread = (said.var(1, correction=0) + 1e-12).sqrt() if self.doubt else 0.0
        return (self.sign * said.mean(1) - self.doubt * spread) / self.model.error
