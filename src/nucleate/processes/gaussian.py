"""Variance-preserving diffusion of a Euclidean quantity with the linear schedule.

Song et al. 2021 (arXiv 2011.13456) and KLDM (arXiv 2507.03602), which count time u = 1 - t from data to noise:
beta(u) = 0.1 + 19.9 u, alpha = exp(-1/2 int beta), sigma^2 = 1 - alpha^2, x_u = alpha x + sigma eps.
KLDM's algorithms 3 and 4 print the Euler step without x in the drift and without g on the noise; here both are there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from nucleate.arrays import Mask, PerCrystal
from nucleate.geometry.noise import Noise
from nucleate.processes.base import Move, Noised, Process, State, as_column, langevin


@dataclass(frozen=True)
class GaussianSettings:
    """Settings of the variance-preserving process.

    Attributes:
        predicts: what the network is asked for, the clean data `x0` or the noise `epsilon`.
        beta_min, beta_max: ends of the linear schedule.
    """

    predicts: Literal["x0", "epsilon"] = "x0"
    beta_min: float = 0.1
    beta_max: float = 20.0


class Gaussian(Process):
    """Variance-preserving diffusion of `width` channels of each cell or atom, shown to the network as `name`."""

    def __init__(
        self,
        settings: GaussianSettings,
        name: str = "lattice",
        width: int = 6,
        level: Literal["atom", "cell"] = "cell",
    ) -> None:
        self.settings = settings
        self.name = name
        self.target_width = width
        self.level = level

    def alpha_sigma(self, t: PerCrystal) -> tuple[PerCrystal, PerCrystal]:
        """Scale of the data and of the noise at time t."""
        u = 1 - t
        s = self.settings
        integral = s.beta_min * u + 0.5 * (s.beta_max - s.beta_min) * u * u
        return torch.exp(-0.5 * integral), torch.sqrt(-torch.expm1(-integral))

    def prior(self, mask: Mask, noise: Noise) -> State:
        return {"x": self._normal(mask, noise)}

    def corrupt(self, data: Tensor, t: PerCrystal, mask: Mask, noise: Noise) -> Noised:
        alpha, sigma = (as_column(c, data) for c in self.alpha_sigma(t))
        eps = self._normal(mask, noise).to(data.dtype)
        target = data if self.settings.predicts == "x0" else eps
        return Noised({"x": alpha * data + sigma * eps}, target, torch.ones_like(t))

    def inputs(self, state: State, t: PerCrystal) -> dict[str, Tensor]:
        return {self.name: state["x"]}

    def endpoint(self, state: State, prediction: Tensor, t: PerCrystal, mask: Mask) -> Tensor:
        if self.settings.predicts == "x0":
            return prediction
        alpha, sigma = (as_column(c, prediction) for c in self.alpha_sigma(t))
        return (state["x"] - sigma * prediction) / alpha

    def epsilon(self, state: State, prediction: Tensor, t: PerCrystal) -> Tensor:
        """The noise in the state, whichever of the two the network predicts. At t = 1 there is none."""
        if self.settings.predicts == "epsilon":
            return prediction
        alpha, sigma = (as_column(c, prediction) for c in self.alpha_sigma(t))
        return (state["x"] - alpha * prediction) / sigma.clamp(min=1e-6)

    def step(self, state: State, prediction: Tensor, move: Move) -> State:
        x, mask = state["x"], move.mask
        eps = self.epsilon(state, prediction, move.t)
        if move.rule.method == "em" and move.rule.euler:
            return {"x": self._euler(x, eps, move)}
        guess = self.endpoint(state, prediction, move.t, mask)
        alpha, sigma = (as_column(c, x) for c in self.alpha_sigma(move.t))
        alpha_next, sigma_next = (as_column(c, x) for c in self.alpha_sigma(move.t_next))
        if move.rule.method != "em":
            return {"x": self._real(alpha_next * guess + sigma_next * eps, mask)}
        # q(x_next | x, x0): keep sigma_next^2 - fresh^2 of the old noise (Ho et al. 2020, eq. 7).
        kept = (alpha / alpha_next) * sigma_next**2 / sigma
        fresh = torch.sqrt((sigma_next**2 - kept**2).clamp(min=0))
        z = self._normal(mask, move.noise).to(x.dtype)
        return {"x": self._real(alpha_next * guess + kept * eps + fresh * z, mask)}

    def _euler(self, x: Tensor, eps: Tensor, move: Move) -> Tensor:
        s = self.settings
        beta = as_column(s.beta_min + (s.beta_max - s.beta_min) * (1 - move.t), x)
        sigma = as_column(self.alpha_sigma(move.t)[1], x)
        h = as_column(move.t_next - move.t, x)
        score = -eps / sigma
        z = self._normal(move.mask, move.noise).to(x.dtype)
        return self._real(x + (0.5 * beta * x + beta * score) * h + torch.sqrt(beta * h) * z, move.mask)

    def correct(self, state: State, prediction: Tensor, move: Move) -> State:
        sigma = as_column(self.alpha_sigma(move.t)[1], prediction).clamp(min=1e-6)
        score = self._real(-self.epsilon(state, prediction, move.t) / sigma, move.mask)
        z = self._normal(move.mask, move.noise).to(score.dtype)
        atoms = move.mask if self.level == "atom" else None
        return {"x": langevin(state["x"], score, atoms, sigma**-2, move.rule, z)}

    def decode(self, state: State) -> Tensor:
        return state["x"]

    def _normal(self, mask: Mask, noise: Noise) -> Tensor:
        """Standard normal numbers for every channel, zero in padding."""
        if self.level == "cell":
            return noise.normal(self.target_width)
        return noise.normal(mask.shape[1], self.target_width) * mask.unsqueeze(-1)

    def _real(self, x: Tensor, mask: Mask) -> Tensor:
        """x with zeros in padding."""
        return x if self.level == "cell" else x * mask.unsqueeze(-1)
