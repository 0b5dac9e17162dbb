"""Variance-preserving diffusion of a Euclidean quantity: x_u = alpha x + sigma eps, alpha^2 + sigma^2 = 1, u = 1 - t.

`linear`: Song et al. 2021 (arXiv 2011.13456) and KLDM (arXiv 2507.03602), beta(u) = 0.1 + 19.9 u and
alpha = exp(-1/2 int beta). `cosine`: Nichol and Dhariwal 2021 (arXiv 2102.09672) and DiffCSP (arXiv 2309.04475),
alpha = cos(pi/2 (u + s)/(1 + s)) / cos(pi/2 s/(1 + s)) with s = 0.008. The published cosine ends at alpha = 1.5e-5 by
clipping beta in 1,000 discrete steps, so its first step multiplies errors of the predicted noise many times over: here
alpha stays above 0.01, at which data of the size of a cell can't be seen.
`ahead` sets the quantity's clock before that of the others: what stands above holds at u^ahead in place of u.
KLDM's algorithms 3 and 4 print the Euler step without x in the drift and without g in the noise; here it has both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.distributions import Normal

from nucleate.arrays import Mask, PerCrystal
from nucleate.errors import RecipeError
from nucleate.geometry.noise import Noise
from nucleate.processes.base import Move, Noised, Process, State, as_column
from nucleate.processes.langevin import langevin
from nucleate.processes.laws import normal
from nucleate.settings import within


@dataclass(frozen=True)
class GaussianSettings:
    """Settings of the variance-preserving process.

    Attributes:
        predicts: the network's target, the clean data `x0` or the noise `epsilon`.
        schedule: `linear` or `cosine`, see the module's text.
        beta_min: end of the linear schedule at the data.
        beta_max: its end at the noise.
        ahead: above 1 the quantity is nearer to its data than others at the same time, below 1 farther; see the
            module's text.
    """

    predicts: Literal["x0", "epsilon"] = "x0"
    schedule: Literal["linear", "cosine"] = "linear"
    beta_min: float = 0.1
    beta_max: float = 20.0
    ahead: float = 1.0

    def __post_init__(self) -> None:
        within(self, 0, 1000, "beta_min beta_max")
        within(self, 0.1, 10, "ahead")
        if not self.beta_min < self.beta_max:
            raise RecipeError(
                f"beta_min must be below beta_max; got {self.beta_min} and {self.beta_max}",
                "the published values are 0.1 and 20",
            )


@dataclass(frozen=True, kw_only=True)
class GaussianStep:
    """Settings of a stochastic step.

    Attributes:
        euler: take plain Euler-Maruyama steps (as published for KLDM) in place of the exact ancestral ones.
    """

    euler: bool = False


COSINE_OFFSET = 0.008
LEAST_ALPHA = 0.01
LEAST_SIGMA = 1e-12
"""Divisor at t = 1, where a step of no length begins on grids finer than float32."""


class Gaussian(Process):
    """Variance-preserving diffusion of `width` channels of each cell or atom, shown to the network as `name`.

    within: range of all clean data, where there is one. The clean data implied by a predicted noise are clamped to it,
    and the noise is recomputed from them (as in the code of Ho et al. 2020, arXiv 2006.11239): at the start an error of
    the noise makes one of the data 100 times as large, and later steps don't undo it.
    """

    step_settings = GaussianStep

    def __init__(
        self,
        settings: GaussianSettings,
        name: str = "lattice",
        width: int = 6,
        level: Literal["atom", "cell"] = "cell",
        within: tuple[float, float] | None = None,
    ) -> None:
        self.settings = settings
        self.within = within
        self.name = name
        self.target_width = width
        self.level = level

    def alpha_sigma(self, t: PerCrystal) -> tuple[PerCrystal, PerCrystal]:
        """Scale of the data and of the noise at time t."""
        u, s = self._clock(t), self.settings
        if s.schedule == "cosine":
            start = 0.5 * math.pi * COSINE_OFFSET / (1 + COSINE_OFFSET)
            phase = start + (0.5 * math.pi - start) * u
            # sin^2 b - sin^2 a = sin(b - a) sin(b + a): no cancellation near the data.
            alpha = (torch.cos(phase) / math.cos(start)).clamp(min=LEAST_ALPHA)
            sigma = torch.sqrt(torch.sin(phase - start) * torch.sin(phase + start)) / math.cos(start)
            return alpha, sigma.clamp(max=math.sqrt(1 - LEAST_ALPHA**2))
        integral = s.beta_min * u + 0.5 * (s.beta_max - s.beta_min) * u * u
        return torch.exp(-0.5 * integral), torch.sqrt(-torch.expm1(-integral))

    def beta(self, t: PerCrystal) -> PerCrystal:
        """-2 d log alpha / d(1 - t), what Euler steps need."""
        u, s = self._clock(t), self.settings
        pace = 1.0 if s.ahead == 1 else s.ahead * (1 - t) ** (s.ahead - 1)
        if s.schedule == "cosine":
            start = 0.5 * math.pi * COSINE_OFFSET / (1 + COSINE_OFFSET)
            phase = start + (0.5 * math.pi - start) * u
            falls = torch.cos(phase) / math.cos(start) > LEAST_ALPHA
            return torch.where(falls, 2 * (0.5 * math.pi - start) * torch.tan(phase), 0.0) * pace
        return (s.beta_min + (s.beta_max - s.beta_min) * u) * pace

    def _clock(self, t: PerCrystal) -> PerCrystal:
        """u, 0 at the data and 1 at the noise."""
        return 1 - t if self.settings.ahead == 1 else (1 - t) ** self.settings.ahead

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
        guess = (state["x"] - sigma * prediction) / alpha
        return guess if self.within is None else guess.clamp(*self.within)

    def towards(self, state: State, prediction: Tensor, data: Tensor, t: PerCrystal, mask: Mask) -> Tensor:
        if self.settings.predicts == "x0":
            return data
        alpha, sigma = (as_column(c, prediction) for c in self.alpha_sigma(t))
        return (state["x"] - alpha * data) / sigma.clamp(min=1e-6)

    def tilted(self, state: State, prediction: Tensor, gradient: State, t: PerCrystal, mask: Mask) -> Tensor:
        """eps = -sigma score, and x0 = (x + sigma^2 score) / alpha (Tweedie)."""
        alpha, sigma = (as_column(c, prediction) for c in self.alpha_sigma(t))
        lean = self._real(gradient["x"], mask)
        return (
            prediction + sigma**2 / alpha * lean
            if self.settings.predicts == "x0"
            else prediction - sigma * lean
        )

    def epsilon(self, state: State, prediction: Tensor, t: PerCrystal, mask: Mask) -> Tensor:
        """The noise in the state, whichever of the two the network predicts. At t = 1 there is none."""
        if self.settings.predicts == "epsilon" and self.within is None:
            return prediction
        alpha, sigma = (as_column(c, prediction) for c in self.alpha_sigma(t))
        return (state["x"] - alpha * self.endpoint(state, prediction, t, mask)) / sigma.clamp(min=1e-6)

    def step(self, state: State, prediction: Tensor, move: Move) -> State:
        """A draw from q(x_next | x, x0) at the best guess of x0 (Ho et al. 2020, eq. 7), or by Euler-Maruyama."""
        mean, fresh = self._law(state, prediction, move)
        z = self._normal(move.mask, move.noise).to(mean.dtype)
        return {"x": self._real(mean + fresh * z, move.mask)}

    def distribution(self, state: State, prediction: Tensor, move: Move) -> Normal:
        return Normal(*self._law(state, prediction, move), validate_args=False)

    def log_probability(self, state: State, after: State, prediction: Tensor, move: Move) -> PerCrystal:
        mean, width = self._law(state, prediction, move)
        return normal(after["x"], mean, width, move.mask if self.level == "atom" else None)

    def _law(self, state: State, prediction: Tensor, move: Move) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of a stochastic step."""
        x = state["x"]
        eps = self.epsilon(state, prediction, move.t, move.mask)
        if move.of(GaussianStep).euler:
            return self._euler(x, eps, move)
        guess = self.endpoint(state, prediction, move.t, move.mask)
        alpha, sigma = (as_column(c, x) for c in self.alpha_sigma(move.t))
        alpha_next, sigma_next = (as_column(c, x) for c in self.alpha_sigma(move.t_next))
        # sigma_next^2 - fresh^2 of the old noise is kept.
        kept = (alpha / alpha_next) * sigma_next**2 / sigma.clamp(min=LEAST_SIGMA)
        fresh = torch.sqrt((sigma_next**2 - kept**2).clamp(min=0))
        return alpha_next * guess + kept * eps, fresh

    def flow(self, state: State, prediction: Tensor, t: PerCrystal, mask: Mask) -> Tensor:
        """The prediction itself: x0 or eps, neither of which changes along the flow to a single data point."""
        return prediction

    def follow(self, state: State, flow: Tensor, move: Move) -> State:
        """DDIM (Song, Meng and Ermon 2020, arXiv 2010.02502), the exponential integrator of first order."""
        guess = self.endpoint(state, flow, move.t, move.mask)
        alpha_next, sigma_next = (as_column(c, guess) for c in self.alpha_sigma(move.further))
        return {
            "x": self._real(
                alpha_next * guess + sigma_next * self.epsilon(state, flow, move.t, move.mask), move.mask
            )
        }

    def _euler(self, x: Tensor, eps: Tensor, move: Move) -> tuple[Tensor, Tensor]:
        beta = as_column(self.beta(move.t), x)
        sigma = as_column(self.alpha_sigma(move.t)[1], x)
        h = as_column(move.t_next - move.t, x)
        score = -eps / sigma.clamp(min=LEAST_SIGMA)
        return x + (0.5 * beta * x + beta * score) * h, torch.sqrt(beta * h)

    def correct(self, state: State, prediction: Tensor, move: Move) -> State:
        sigma = as_column(self.alpha_sigma(move.t)[1], prediction).clamp(min=1e-6)
        score = self._real(-self.epsilon(state, prediction, move.t, move.mask) / sigma, move.mask)
        z = self._normal(move.mask, move.noise).to(score.dtype)
        atoms = move.mask if self.level == "atom" else None
        return {"x": langevin(state["x"], score, atoms, sigma**-2, move.langevin, z)}

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
