"""Variance-exploding diffusion of fractional coordinates on the torus (DiffCSP, arXiv 2309.04475; EquiCSP, ICML 2024).

    theta_t = wrap(theta_1 + sigma(t) eps),    theta = 2 pi f,    u = 1 - t

sigma is geometric in u from sigma_min at u = 1/1000 to sigma_max at u = 1, which are the published 1,000 levels; where
these end with sigma_0 = 0, sigma here falls linearly to 0 over u in [0, 1/1000], so that t = 1 is the data.
The network predicts g = d log p / d theta_1, the derivative with respect to the *mean* and therefore minus the score,
in units of its standard deviation. The code has widths in radians, the settings in units of the cell, as published.

EquiCSP adds plain noise and subtracts its circular mean over the crystal from the targets (`circular`). The rest, d, is
predicted twice: as it is (head A) and as the score of a von Mises distribution fitted to it (head B). The score of the
coordinates follows from B by the chain rule through the mean, whose slope is taken at A. The fitted distribution has
the variance sigma^2 (1 - 1/n) of one atom, and a product of n of them counts n where only n - 1 are free: for small
sigma the published score is n / (n - 1) times that of the forward process.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from nucleate.arrays import Mask, PerAtom, PerAtom3, PerCrystal
from nucleate.errors import RecipeError
from nucleate.geometry import wrapped_normal
from nucleate.geometry.circular import about_mean, mean_free_law, mean_slope
from nucleate.geometry.noise import Noise
from nucleate.geometry.torus import TAU, centre, wrap
from nucleate.processes.base import Move, Noised, Process, State, as_column
from nucleate.processes.langevin import langevin
from nucleate.processes.laws import wrapped

LAST_INTERVAL = 1e-3
"""Interval of u in which sigma is linear: one of the 1,000 published steps."""
LEAST_SIGMA = 1e-5 * TAU
"""Radians; lower bound of a divisor that vanishes at t = 1."""


@dataclass(frozen=True)
class WrappedNormalSettings:
    """Settings of the wrapped-normal process.

    Attributes:
        sigma_min: width of the noise at u = 1/1000, in units of the cell.
        sigma_max: its width at u = 1.
        centred: how the net translation is removed. `none`: it stays (DiffCSP). `noise`: the mean over the crystal is
            subtracted from noise, targets and predictions (as in KLDM). `circular`: the circular mean is subtracted
            from the targets alone (EquiCSP, two targets of 3 channels each).
    """

    sigma_min: float = 0.005
    sigma_max: float = 0.5
    centred: Literal["none", "noise", "circular"] = "none"

    def __post_init__(self) -> None:
        if not 1e-6 <= self.sigma_min < self.sigma_max <= 10:
            raise RecipeError(
                f"1e-6 <= sigma_min < sigma_max <= 10 must hold; got {self.sigma_min} and {self.sigma_max}",
                "the published values are 0.005 and 0.5",
            )


class WrappedNormal(Process):
    """Coordinates of all atoms. State: `theta` in [-pi, pi), radians."""

    level = "atom"
    positions = {"theta": (-math.pi, math.pi)}  # noqa: RUF012 - a constant of the class, as the base says

    def __init__(self, settings: WrappedNormalSettings) -> None:
        self.settings = settings
        self.target_width = 6 if settings.centred == "circular" else 3
        if settings.centred == "noise":
            self.can = self.can - {"probability"}
        widest = TAU * settings.sigma_max
        self.images = wrapped_normal.images_for(widest)
        # The Fisher information falls as exp(-sigma^2), faster over log sigma than in narrower processes.
        self.fisher_root = wrapped_normal.FisherRoot(widest, nodes=1024, points=128)

    def sigma(self, t: PerCrystal) -> PerCrystal:
        """Width of the noise at time t, radians."""
        u, s = 1 - t, self.settings
        growth = math.log(s.sigma_max / s.sigma_min) / (1 - LAST_INTERVAL)
        geometric = torch.exp(growth * (u - LAST_INTERVAL))
        return TAU * s.sigma_min * torch.where(u < LAST_INTERVAL, u / LAST_INTERVAL, geometric)

    def prior(self, mask: Mask, noise: Noise) -> State:
        return {"theta": TAU * (noise.uniform(mask.shape[1], 3) - 0.5) * mask.unsqueeze(-1)}

    def corrupt(self, data: PerAtom3, t: PerCrystal, mask: Mask, noise: Noise) -> Noised:
        """Data are fractional coordinates."""
        eps, sigma = self._normal(mask, noise).to(data.dtype), self.sigma(t)
        theta = wrap(TAU * data + as_column(sigma, data) * eps) * mask.unsqueeze(-1)
        sigma = sigma.clamp(min=LEAST_SIGMA)
        width = as_column(sigma, data)
        if self.settings.centred == "circular":
            target = self._mean_free_target(width * eps, sigma, mask)
        else:
            pull = wrapped_normal.grad_mean(width * eps, width, self.images)
            target = self._centre(pull, mask) / self.fisher_root(width)
        return Noised({"theta": theta}, target, torch.ones_like(t))

    def _mean_free_target(self, displacement: PerAtom3, sigma: PerCrystal, mask: Mask) -> PerAtom:
        """Targets of heads A and B side by side; the concentration cancels in B. Zero in a cell of one atom."""
        d = about_mean(displacement, mask)
        _, sine, spread = (as_column(x, d).clamp(min=1e-12) for x in mean_free_law(mask.sum(1), sigma))
        return torch.cat([d / spread, torch.sin(d) / sine], -1)

    def inputs(self, state: State, t: PerCrystal) -> dict[str, Tensor]:
        return {"frac": state["theta"] / TAU}

    def pull(self, prediction: Tensor, t: PerCrystal, mask: Mask) -> PerAtom3:
        """g = minus the score of p_t with respect to theta, per radian."""
        sigma = self.sigma(t).clamp(min=LEAST_SIGMA)
        if self.settings.centred != "circular":
            return self._centre(prediction, mask) * self.fisher_root(as_column(sigma, prediction))
        kappa, sine, _ = (as_column(x, prediction) for x in mean_free_law(mask.sum(1), sigma))
        each = kappa * sine * prediction[..., 3:] * mask.unsqueeze(-1)
        # d is theta minus its circular mean, which moves with every atom.
        return each - mean_slope(self._displacement(prediction, t, mask), mask) * each.sum(1, keepdim=True)

    def _displacement(self, prediction: Tensor, t: PerCrystal, mask: Mask) -> PerAtom3:
        """Displacement of the atoms from the expected data, radians (up to a translation if centred)."""
        sigma = self.sigma(t).clamp(min=LEAST_SIGMA)
        if self.settings.centred == "circular":
            spread = as_column(mean_free_law(mask.sum(1), sigma)[2], prediction)
            return (spread * prediction[..., :3]).clamp(-math.pi, math.pi) * mask.unsqueeze(-1)
        return as_column(sigma, prediction) ** 2 * self.pull(prediction, t, mask)

    def tilted(self, state: State, prediction: Tensor, gradient: State, t: PerCrystal, mask: Mask) -> Tensor:
        """The pull is minus the score; of two heads that of the displacement follows by Tweedie's formula."""
        sigma = self.sigma(t).clamp(min=LEAST_SIGMA)
        lean = self._centre(gradient["theta"], mask)
        if self.settings.centred != "circular":
            return prediction - lean / self.fisher_root(as_column(sigma, lean))
        lean = centre(lean, mask)
        kappa, sine, spread = (as_column(x, lean).clamp(min=1e-12) for x in mean_free_law(mask.sum(1), sigma))
        displaced = as_column(sigma, lean) ** 2 * lean / spread
        return prediction - torch.cat([displaced, lean / (kappa * sine)], -1)

    def step(self, state: State, prediction: Tensor, move: Move) -> State:
        """The ancestral step, a draw from q(theta_next | theta, theta_1): narrower noise about its mean."""
        mean, fresh = self._law(state, prediction, move)
        z = self._normal(move.mask, move.noise).to(mean.dtype)
        return {"theta": self._real(mean + fresh * z, move.mask)}

    def log_probability(self, state: State, after: State, prediction: Tensor, move: Move) -> PerCrystal:
        """Per radian. Not for centred noise, whose images on the torus are those of all atoms together."""
        if self.settings.centred == "noise":
            raise self.lacks("probability")
        mean, fresh = self._law(state, prediction, move)
        return wrapped(after["theta"], mean, fresh, TAU, move.mask)

    def _law(self, state: State, prediction: Tensor, move: Move) -> tuple[PerAtom3, Tensor]:
        """Mean and standard deviation of a stochastic step, before wrapping."""
        now, then = (as_column(self.sigma(t), state["theta"]) for t in (move.t, move.t_next))
        kept = then / now.clamp(min=LEAST_SIGMA)
        fresh = then * torch.sqrt((1 - kept**2).clamp(min=0))
        return state["theta"] - (now**2 - then**2) * self.pull(prediction, move.t, move.mask), fresh

    def flow(self, state: State, prediction: Tensor, t: PerCrystal, mask: Mask) -> PerAtom3:
        """eps = sigma g, the slope of theta in sigma: constant for a single data point until noise wraps."""
        return as_column(self.sigma(t), prediction) * self.pull(prediction, t, mask)

    def follow(self, state: State, flow: Tensor, move: Move) -> State:
        now, then = (as_column(self.sigma(t), flow) for t in (move.t, move.further))
        return {"theta": self._real(state["theta"] + (then - now) * flow, move.mask)}

    def correct(self, state: State, prediction: Tensor, move: Move) -> State:
        """Langevin at t. The `expected` squared score is 1 / sigma^2, so that the step is tau sigma^2: the published
        step_lr (sigma / sigma_min)^2 with tau = step_lr / sigma_min^2. As published, the last step draws no noise.

        With `corrector = crystal` a step is never longer than that: noise wide enough to wrap leaves hardly any score,
        and tau / mean(s^2) would scatter the atoms.
        """
        theta, mask = state["theta"], move.mask
        sigma = as_column(self.sigma(move.t), theta).clamp(min=LEAST_SIGMA)
        z = self._normal(mask, move.noise).to(theta.dtype)
        z = z * as_column((move.t_next < 1).to(theta), theta)
        score = -self.pull(prediction, move.t, mask)
        power = sigma**-2
        if move.langevin.corrector == "crystal":
            own = score.square().mean(-1).sum(1) / mask.sum(1).clamp(min=1)
            power = torch.maximum(power, as_column(own, theta))
        size = replace(move.langevin, corrector="expected")
        return {"theta": self._real(langevin(theta, score, mask, power, size, z), mask)}

    def endpoint(self, state: State, prediction: Tensor, t: PerCrystal, mask: Mask) -> PerAtom3:
        """Tweedie's formula, or head A of EquiCSP, which gives the data up to a translation of the crystal."""
        theta = state["theta"] - self._displacement(prediction, t, mask)
        return torch.remainder(theta / TAU, 1) * mask.unsqueeze(-1)

    def decode(self, state: State) -> PerAtom3:
        return torch.remainder(state["theta"] / TAU, 1)

    def _normal(self, mask: Mask, noise: Noise) -> PerAtom3:
        return self._centre(noise.normal(mask.shape[1], 3), mask)

    def _centre(self, x: Tensor, mask: Mask) -> Tensor:
        return centre(x, mask) if self.settings.centred == "noise" else x * mask.unsqueeze(-1)

    def _real(self, theta: Tensor, mask: Mask) -> PerAtom3:
        return wrap(theta) * mask.unsqueeze(-1)
