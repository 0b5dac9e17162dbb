"""Kinetic Langevin diffusion of fractional coordinates on the torus (KLDM, arXiv 2507.03602).

Each coordinate is an angle theta = 2 pi f with a velocity v. With friction 1, forwards in the paper's time
tau = horizon * (1 - t):  d theta = v d tau,  dv = -v d tau + sqrt(2) dW. The kernel from velocity v0 is

    v_tau     = e^-tau v0 + sigma_v eps_v,                      sigma_v^2 = 1 - e^(-2 tau)
    r_tau     = tanh(tau/2) (v_tau + v0) + sigma_r eps_r,       sigma_r^2 = 2 tau - 4 tanh(tau/2)
    theta_tau = wrap(theta_0 + r_tau)

(eqs. 16, 22, 23). Noise is centred over the crystal, so that translations need not be learned. The reverse steps follow
the stochastic equation, where the paper's algorithms 3 and 4 print 2 (e^(2h) - 1) for 2 (e^h - 1), the wrong sign of
the drift and no horizon factor; see docs/concepts/kinetic-langevin.md.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

from nucleate.arrays import Mask, PerAtom3, PerCrystal
from nucleate.geometry import wrapped_normal
from nucleate.geometry.noise import Noise
from nucleate.geometry.precision import at_least_float32
from nucleate.geometry.tables import Table
from nucleate.geometry.torus import TAU, centre, wrap
from nucleate.processes.base import Move, Noised, Process, State, as_column
from nucleate.processes.kinetic_settings import KineticSettings, KineticStep
from nucleate.processes.langevin import langevin
from nucleate.processes.laws import of_crystals
from nucleate.processes.soft_bins import SoftBins

__all__ = ["Kinetic", "KineticSettings", "KineticStep", "position_variance"]


def position_variance(tau: Tensor) -> Tensor:
    """sigma_r^2 = 2 tau - 4 tanh(tau / 2); the series below 0.3, where the difference cancels."""
    square = tau * tau
    series = tau * square * (1 / 6 - square * (1 / 60 - square * (17 / 10080 - square * (31 / 181440))))
    return torch.where(tau < 0.3, series, 2 * tau - 4 * torch.tanh(tau / 2))


class Kinetic(Process):
    """Coordinates and velocities of all atoms. State: `theta` in [-pi, pi) and `velocity`, both in radians."""

    level = "atom"
    target_width = 3
    step_settings = KineticStep
    positions = {"theta": (-math.pi, math.pi)}  # noqa: RUF012 - a constant of the class, as the base says

    def __init__(self, settings: KineticSettings) -> None:
        if settings.parametrisation == "simplified" and settings.initial_velocity != 0:
            raise ValueError(
                "the simplified parametrisation needs initial_velocity = 0; use parametrisation = direct"
            )
        if settings.shown == "rest" and settings.parametrisation == "direct":
            raise ValueError(
                "the direct parametrisation predicts the velocity's noise; it needs shown = state"
            )
        if settings.bins and settings.parametrisation == "direct":
            raise ValueError("bins are of displacements; they need parametrisation = simplified")
        self.settings = settings
        self.bins = SoftBins(settings.bins) if settings.bins else None
        self.answer_width = self.bins.width if self.bins else None
        widest = math.sqrt(float(position_variance(torch.tensor(settings.horizon))))
        self.images = wrapped_normal.images_for(widest)
        self._fisher_root = wrapped_normal.FisherRoot(widest)
        self._log_tau, self._angle = map(Table, _angle_table(settings.horizon))

    def clock(self, t: PerCrystal) -> PerCrystal:
        """The paper's time, 0 at the data."""
        return self.settings.horizon * (1 - t)

    def coefficients(self, t: PerCrystal, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """tanh(tau/2), sigma_v and sigma_r at time t, shaped to broadcast."""
        tau = self.clock(t).clamp(min=1e-6)
        values = torch.tanh(tau / 2), torch.sqrt(-torch.expm1(-2 * tau)), torch.sqrt(position_variance(tau))
        gain, sigma_v, sigma_r = (as_column(value, like) for value in values)
        return gain, sigma_v, sigma_r

    def fisher_root(self, sigma_r: Tensor) -> Tensor:
        """Root of the Fisher information of the wrapped normal, interpolated from quadrature."""
        return self._fisher_root(sigma_r)

    def prior(self, mask: Mask, noise: Noise) -> State:
        theta = TAU * (noise.uniform(mask.shape[1], 3) - 0.5) * mask.unsqueeze(-1)
        return {"theta": theta, "velocity": self._centre(noise.normal(mask.shape[1], 3), mask)}

    def corrupt(self, data: PerAtom3, t: PerCrystal, mask: Mask, noise: Noise) -> Noised:
        """Data are fractional coordinates."""
        gain, sigma_v, sigma_r = self.coefficients(t, data)
        eps_v, eps_r = (self._centre(noise.normal(mask.shape[1], 3).to(data.dtype), mask) for _ in range(2))
        start = torch.zeros_like(data)
        if self.settings.initial_velocity > 0:
            start = self.settings.initial_velocity * self._centre(
                noise.normal(mask.shape[1], 3).to(data.dtype), mask
            )
        velocity = torch.exp(-as_column(self.clock(t), data)) * start + sigma_v * eps_v
        mean = gain * (velocity + start)
        theta = wrap(TAU * data + mean + sigma_r * eps_r) * mask.unsqueeze(-1)
        away = wrap(sigma_r * eps_r)
        pull = self._centre(wrapped_normal.grad_mean(away, sigma_r, self.images), mask)
        if self.settings.parametrisation == "simplified":
            target = pull / self.fisher_root(sigma_r)
        else:
            target = -eps_v / sigma_v + gain * pull
        return Noised({"theta": theta, "velocity": velocity}, target, self._weight(t), away)

    def mean(self, answer: Tensor, t: PerCrystal) -> Tensor:
        return self.bins.mean(answer, self._asked, self.coefficients(t, answer)[2]) if self.bins else answer

    def answer_loss(self, answer: Tensor, noised: Noised, t: PerCrystal, mask: Mask) -> PerCrystal:
        if not self.bins or noised.truth is None:
            return super().answer_loss(answer, noised, t, mask)
        each = self.bins.divergence(answer, noised.truth, self.coefficients(t, answer)[2])
        return of_crystals(each.unsqueeze(-1), mask) / mask.sum(1).clamp(min=1) * noised.weight

    def _asked(self, displacement: Tensor, sigma_r: Tensor) -> Tensor:
        """What the simplified parametrisation asks for at a displacement."""
        return wrapped_normal.grad_mean(displacement, sigma_r, self.images) / self.fisher_root(sigma_r)

    def _weight(self, t: PerCrystal) -> PerCrystal:
        """Weight of the loss at time t: 1, or lambda(t)."""
        direct = self.settings.parametrisation == "direct"
        if not (direct and self.settings.direct_weight == "balanced"):
            return torch.ones_like(t)
        return 1 / self.expected_square(*self.coefficients(t, t))

    def expected_square(self, gain: Tensor, sigma_v: Tensor, sigma_r: Tensor) -> Tensor:
        """E[score^2] of one velocity before centring: its Gaussian part and that of the wrapped normal."""
        return sigma_v**-2 + (gain * self.fisher_root(sigma_r)) ** 2

    def inputs(self, state: State, t: PerCrystal) -> dict[str, Tensor]:
        theta, velocity = state["theta"], state["velocity"]
        if self.settings.shown == "rest":
            return {"frac": self.noisy(state, t), "velocity": torch.zeros_like(velocity)}
        return {"frac": theta / TAU, "velocity": velocity / TAU}

    def noisy(self, state: State, t: PerCrystal) -> PerAtom3:
        """Coordinates without the displacement that the velocity explains."""
        gain = self.coefficients(t, state["theta"])[0]
        return (state["theta"] - gain * state["velocity"]) / TAU

    def tilted(
        self, state: State, prediction: Tensor, gradient: State, t: PerCrystal, mask: Mask
    ) -> PerAtom3:
        """Only velocities are driven by noise, so only the gradient with respect to them is added to the score."""
        lean = self._centre(gradient["velocity"], mask)
        if self.settings.parametrisation == "direct":
            return prediction + lean
        gain, _, sigma_r = self.coefficients(t, prediction)
        return prediction + lean / (gain * self.fisher_root(sigma_r))

    def score(self, state: State, prediction: Tensor, t: PerCrystal, mask: Mask) -> PerAtom3:
        """Derivative of log p_t with respect to the velocities (eq. 19)."""
        prediction = self._centre(prediction, mask)
        if self.settings.parametrisation == "direct":
            return prediction
        gain, sigma_v, sigma_r = self.coefficients(t, prediction)
        return -state["velocity"] / sigma_v**2 + gain * self.fisher_root(sigma_r) * prediction

    def step(self, state: State, prediction: Tensor, move: Move) -> State:
        """The reverse stochastic equation, with the score kept as at t and the linear part solved exactly."""
        mean, width, h = self._law(state, prediction, move)
        z = self._centre(move.noise.normal(move.mask.shape[1], 3).to(mean.dtype), move.mask)
        return self._drift(state["theta"], mean + width * z, h, move.mask)

    def log_probability(self, state: State, after: State, prediction: Tensor, move: Move) -> PerCrystal:
        """Of the velocities, from which the angles follow; of centred ones in the space where their sum is zero."""
        mean, width, _ = self._law(state, prediction, move)
        each = -0.5 * ((after["velocity"] - mean) / width) ** 2
        free = 3 * (move.mask.sum(1) - int(self.settings.centred))
        return of_crystals(each, move.mask) - free * torch.log(width.flatten() * math.sqrt(TAU))

    def _law(self, state: State, prediction: Tensor, move: Move) -> tuple[Tensor, Tensor, Tensor]:
        """Mean and standard deviation of the velocities after a stochastic step; its length on the paper's clock."""
        score, h = self._way(state, prediction, move)
        mean = torch.exp(h) * state["velocity"] + 2 * torch.expm1(h) * score
        return mean, torch.sqrt(torch.expm1(2 * h)), h

    def predict(self, state: State, prediction: Tensor, move: Move) -> State:
        """The published predictor: an exponential step of the velocities' probability flow, then a drift."""
        score, h = self._way(state, prediction, move)
        now, then = self.coefficients(move.t, score)[1], self.coefficients(move.t_next, score)[1]
        velocity = torch.exp(h) * state["velocity"] + (torch.exp(h) * now - then) * now * score
        return self._drift(state["theta"], velocity, h, move.mask)

    def _way(self, state: State, prediction: Tensor, move: Move) -> tuple[Tensor, Tensor]:
        """The score at t, and the distance to t_next on the paper's clock."""
        score = self.score(state, prediction, move.t, move.mask)
        return score, as_column(self.clock(move.t) - self.clock(move.t_next), score)

    def flow(self, state: State, prediction: Tensor, t: PerCrystal, mask: Mask) -> PerAtom3:
        """The expected angles of the data."""
        return wrap(state["theta"] - self._displacement(state, prediction, t, mask))

    def between(self, one: Tensor, other: Tensor, weight: float) -> Tensor:
        return one + weight * wrap(other - one)

    def follow(self, state: State, flow: Tensor, move: Move) -> State:
        """The flow to data at rest in `flow`, in closed form.

        With eta = v / sigma_v and eps = (r - gain v) / sigma_r the probability flow of a single data point is
        d eta / d tau = -omega eps, d eps / d tau = omega eta, omega = gain / (sigma_v sigma_r): a rotation.
        """
        mask, theta, velocity = move.mask, state["theta"], state["velocity"]
        gain, sigma_v, sigma_r = self.coefficients(move.t, theta)
        eta = velocity / sigma_v
        eps = (move.noise.shortest(theta - flow, TAU) - gain * velocity) / sigma_r
        angle = as_column(self.angle(move.t) - self.angle(move.further), theta)
        gain, sigma_v, sigma_r = self.coefficients(move.further, theta)
        velocity = sigma_v * (eta * torch.cos(angle) + eps * torch.sin(angle))
        moved = gain * velocity + sigma_r * (eps * torch.cos(angle) - eta * torch.sin(angle))
        return {"theta": wrap(flow + moved) * mask.unsqueeze(-1), "velocity": velocity * mask.unsqueeze(-1)}

    def angle(self, t: PerCrystal) -> PerCrystal:
        """The integral of omega over tau up to time t, from an arbitrary start near the data, where it diverges."""
        t = at_least_float32(t)
        grid, angle = self._log_tau.like(t), self._angle.like(t)
        position = (self.clock(t).clamp(min=grid[0].exp()).log() - grid[0]) / (grid[1] - grid[0])
        left = position.floor().long().clamp(0, len(grid) - 2)
        return torch.lerp(angle[left], angle[left + 1], position - left)

    def correct(self, state: State, prediction: Tensor, move: Move) -> State:
        t, mask = move.t, move.mask
        score = self.score(state, prediction, t, mask)
        z = self._centre(move.noise.normal(mask.shape[1], 3).to(score.dtype), mask)
        expected = self.expected_square(*self.coefficients(t, score))
        velocity = langevin(state["velocity"], score, mask, expected, move.langevin, z)
        if not move.of(KineticStep).drift_in_corrector:
            return {"theta": state["theta"], "velocity": velocity}
        h = as_column((self.clock(t) - self.clock(move.t_next)).abs(), score)
        return self._drift(state["theta"], velocity, h, mask)

    def endpoint(self, state: State, prediction: Tensor, t: PerCrystal, mask: Mask) -> PerAtom3:
        """Tweedie's formula for the displacement, for data at rest. Exact up to a translation of the crystal."""
        displacement = self._displacement(state, prediction, t, mask)
        return torch.remainder((state["theta"] - displacement) / TAU, 1) * mask.unsqueeze(-1)

    def _displacement(self, state: State, prediction: Tensor, t: PerCrystal, mask: Mask) -> PerAtom3:
        gain, sigma_v, sigma_r = self.coefficients(t, prediction)
        pull = (self.score(state, prediction, t, mask) + state["velocity"] / sigma_v**2) / gain
        return gain * state["velocity"] + sigma_r**2 * pull

    def merge(self, state: State, held: State, known: Tensor, mask: Mask) -> State:
        """The velocities of the free atoms are shifted so that the sum over the crystal stays zero."""
        merged = super().merge(state, held, known, mask)
        free = (mask & ~known).unsqueeze(-1)
        if self.settings.centred:
            excess = (merged["velocity"] * mask.unsqueeze(-1)).sum(1, keepdim=True)
            merged["velocity"] = merged["velocity"] - free * excess / free.sum(1, keepdim=True).clamp(min=1)
        return merged

    def decode(self, state: State) -> PerAtom3:
        return torch.remainder(state["theta"] / TAU, 1)

    def _drift(self, theta: Tensor, velocity: Tensor, h: Tensor, mask: Mask) -> State:
        return {"theta": wrap(theta - h * velocity) * mask.unsqueeze(-1), "velocity": velocity}

    def _centre(self, x: Tensor, mask: Mask) -> Tensor:
        return centre(x, mask) if self.settings.centred else x * mask.unsqueeze(-1)


@cache
def _angle_table(horizon: float, nodes: int = 4096) -> tuple[Tensor, Tensor]:
    """log tau and the integral of gain / (sigma_v sigma_r) over tau, float64, by Simpson's rule in log tau."""
    log_tau = torch.linspace(math.log(1e-6), math.log(horizon), 2 * nodes + 1, dtype=torch.float64)
    tau = log_tau.exp()
    omega = torch.tanh(tau / 2) / torch.sqrt(-torch.expm1(-2 * tau)) / torch.sqrt(position_variance(tau))
    f, h = omega * tau, log_tau[2] - log_tau[0]
    parts = (f[:-2:2] + 4 * f[1:-1:2] + f[2::2]) * h / 6
    return log_tau[::2], torch.cat([parts.new_zeros(1), parts.cumsum(0)])
