"""The path of an interpolant as a function of time: place, velocity, width of the noise, length of a step.

Nothing here knows of states, masks or networks; `nucleate.processes.interpolant` puts it to use.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from nucleate.arrays import PerCrystal
from nucleate.processes import paths
from nucleate.processes.base import Move, as_column
from nucleate.processes.interpolant_settings import InterpolantSettings

UNIFORM_SPREAD = 1 / math.sqrt(12)
"""Standard deviation of a uniform displacement on the torus, in cells: the unit of velocities there."""
LEAST_SLOPE = 0.05


def shortest(x: Tensor) -> Tensor:
    """The shortest of the images of a displacement in units of the cell, in [-1/2, 1/2)."""
    return torch.remainder(x + 0.5, 1) - 0.5


class InterpolantPath:
    """The path between a prior draw x0 and the data x1.

    Attributes:
        settings: of the interpolant.
        torus: whether x0 and x1 are coordinates in units of the cell.
        informed: whether x0 comes from a distribution fitted to the data.
        unit: the unit of velocities.
    """

    def __init__(self, settings: InterpolantSettings, torus: bool, informed: bool) -> None:
        self.settings, self.torus, self.informed = settings, torus, informed
        self.unit = UNIFORM_SPREAD if torus else 1.0

    @property
    def displaces(self) -> bool:
        """Whether it has the displacement form x0 + s D."""
        return self.torus and self.settings.form == "displacement"

    def ends(self, t: PerCrystal) -> tuple[PerCrystal, PerCrystal]:
        """alpha and beta, the weights of x0 and x1."""
        return paths.path(self.settings.path, t, (self.settings.sigma_min, self.settings.sigma_max))

    def slopes(self, t: PerCrystal) -> tuple[PerCrystal, PerCrystal]:
        """Derivatives of alpha and beta."""
        return paths.path_slopes(self.settings.path, t, (self.settings.sigma_min, self.settings.sigma_max))

    def noise_width(self, t: PerCrystal) -> PerCrystal:
        """gamma, or alpha where the prior serves as the noise."""
        s = self.settings
        return self.ends(t)[0] if s.denoiser else paths.gamma(s.gamma, t, s.gamma_scale)

    def carried(
        self, x0: Tensor, x1: Tensor, t: PerCrystal, way: Callable[[Tensor], Tensor] = shortest
    ) -> tuple[Tensor, Tensor]:
        """Where the path without noise is at time t, and its velocity. way: from a difference on the torus."""
        if self.displaces:
            s, slope = (as_column(c, x0) for c in paths.progress(self.settings.path, t))
            displacement = way(x1 - x0)
            return x0 + s * displacement, slope * displacement
        if self.torus:
            x1 = x0 + way(x1 - x0)
        alpha, beta, slope0, slope1 = (as_column(c, x0) for c in (*self.ends(t), *self.slopes(t)))
        return alpha * x0 + beta * x1, slope0 * x0 + slope1 * x1

    def arrival(self, x: Tensor, velocity: Tensor, t: PerCrystal) -> Tensor:
        """x1 from a point of the path without noise and its velocity, before wrapping.

        Published paths that bend on the torus are continued at the present velocity, since x is known modulo 1 only.
        Encoder-decoder paths say nothing about the data in their first half.
        """
        alpha, beta, slope0, slope1 = (as_column(c, x) for c in (*self.ends(t), *self.slopes(t)))
        if self.settings.path == "ve":
            return x
        if self.displaces:
            s, slope = (as_column(c, x) for c in paths.progress(self.settings.path, t))
            return x + (1 - s) / slope.clamp(min=LEAST_SLOPE) * velocity
        if self.torus:
            return x + as_column(1 - t, x) * velocity
        if self.settings.denoiser or self.settings.path == "encoder-decoder":
            return (beta * x + slope1 * velocity) / (beta**2 + slope1**2).clamp(min=1e-6)
        return (alpha * velocity - slope0 * x) / (alpha * slope1 - slope0 * beta)

    def length(self, move: Move) -> PerCrystal:
        """k h: the length of a step in the path's time, at most up to its end unless overshooting is allowed."""
        length = (1 + move.anneal * move.t) * (move.t_next - move.t)
        return length if self.settings.overshoot else torch.minimum(length, self.reach(move.t))

    def reach(self, t: PerCrystal) -> PerCrystal:
        """How long the velocity at time t may be followed until it arrives."""
        if not self.displaces:
            return 1 - t
        s, slope = paths.progress(self.settings.path, t)
        return torch.where(t < 0.5, 1 - t, torch.minimum((1 - s) / slope.clamp(min=1e-6), 1 - t))

    def kick(self, move: Move) -> PerCrystal:
        """epsilon h, the Langevin step that is taken along with the flow.

        For data that are one point, with a variance v of the state, Langevin steps of length epsilon h = d v settle at
        the variance v / (1 - d / 2) and diverge above d = 2. gamma and v vanish at the data, and so must the step: d is
        at most `largest_kick` at both ends of the step. Nothing is drawn in the last step, nor in one from t = 0, where
        z has no weight yet.
        """
        s, t, t_next = self.settings, move.t, move.t_next
        strength = paths.epsilon(s.epsilon, t, s.epsilon_scale, s.epsilon_mid, s.epsilon_width)
        largest = s.largest_kick * torch.minimum(self.narrowest(t), self.narrowest(t_next))
        started = self.noise_width(t) > 0
        return torch.minimum(strength * (t_next - t), largest) * started

    def narrowest(self, t: PerCrystal) -> PerCrystal:
        """Variance of the state at time t for data that are one point, without that of an informed prior."""
        noise = self.noise_width(t) ** 2
        if self.settings.denoiser or self.informed:
            return noise
        left = 1 - paths.progress(self.settings.path, t)[0] if self.displaces else self.ends(t)[0]
        return noise + (left * self.unit) ** 2
