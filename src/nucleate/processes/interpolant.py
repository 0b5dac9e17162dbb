"""Flows and stochastic interpolants: x_t = alpha x0 + beta x1 + gamma z between a prior draw x0 and the data x1.

FlowMM (arXiv 2406.04713), CrystalFlow (arXiv 2412.11693) and OMatG (arXiv 2502.02582) as one process, for coordinates
on the torus and for Euclidean channels of cells and atoms. Theory: Albergo, Boffi, Vanden-Eijnden (arXiv 2303.08797).

The network predicts the velocity u of the path without gamma's term and, where there is noise, z beside it in one
tensor. The drift is u + gamma' z, but gamma' diverges at the ends. OMatG has it in its target and needs antithetic
pairs (+z, -z) to train; here it is in no target, no loss and no step: over a step gamma' z integrates to
(gamma(t_next) - gamma(t)) z. OMatG also predicts the two in separate evaluations.

On the torus OMatG interpolates from x0 to the image of x1 nearest to it (`published`), which depends on the cell's
arbitrary origin unless alpha + beta = 1. The `displacement` form wrap(x0 + s(t) D + gamma z) never does; for the linear
path both are the geodesic. See docs/concepts/interpolants.md.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Literal

import torch
from torch import Tensor

from nucleate.arrays import Mask, PerCrystal, Species
from nucleate.geometry.assignment import assign, squared_distances
from nucleate.geometry.noise import Noise
from nucleate.geometry.torus import centre
from nucleate.processes.base import Ability, Move, Noised, Process, State, as_column
from nucleate.processes.interpolant_path import InterpolantPath, shortest
from nucleate.processes.interpolant_settings import InterpolantSettings, misfit
from nucleate.processes.laws import normal, wrapped

__all__ = ["Base", "Interpolant", "InterpolantSettings"]

Base = Callable[[Mask, Noise], Tensor]
"""A draw of x0 for a batch."""
LEAST_SHOWN = 0.05
"""Share of the data in a state from which a gradient leans on it in full."""

LEAST_REACH = 1e-3
"""Of a velocity, below which it says nothing of where the path arrives."""


class Interpolant(Process):
    """A flow or stochastic interpolant of `width` channels, shown to the network as `name`.

    State: `x`, on the torus in units of the cell, in [0, 1). The base is a draw of x0 from (mask, noise); without one
    it is uniform on the torus and standard normal elsewhere. base_of: the base for crystals of these species, where the
    composition is given. Raises ValueError for settings that don't go together.
    """

    def __init__(
        self,
        settings: InterpolantSettings,
        name: str = "frac",
        width: int = 3,
        level: Literal["atom", "cell"] = "atom",
        geometry: Literal["torus", "euclidean"] = "torus",
        base: Base | None = None,
        base_of: Callable[[Species], Base] | None = None,
    ) -> None:
        self.settings, self.name, self.width, self.level, self.base = settings, name, width, level, base
        self.base_of = base_of
        self.torus = geometry == "torus"
        self.positions = {"x": (0.0, 1.0)} if self.torus else {}
        informed = base is not None or base_of is not None
        problem = misfit(settings, level, self.torus, informed)
        if problem:
            raise ValueError(problem)
        self.has_velocity = settings.path != "ve"
        self.has_noise = settings.denoiser or settings.gamma != "none"
        self.target_width = width * (self.has_velocity + self.has_noise)
        drawn: tuple[Ability, ...] = (
            ("step", "probability") if not (self.torus and settings.centred) else ("step",)
        )
        self.can = frozenset(("flow", *drawn)) if self.has_noise else frozenset(("flow",))
        self.path = InterpolantPath(settings, self.torus, informed)
        self.unit = self.path.unit

    def for_species(self, species: Species) -> Interpolant:
        if self.base_of is None:
            return self
        other = copy(self)
        other.base = self.base_of(species)
        return other

    def prior(self, mask: Mask, noise: Noise) -> State:
        x = self._base(mask, noise)
        if self.settings.path == "ve" and not self.torus:
            x = x * self.path.ends(torch.zeros(1, device=x.device))[0]
        return {"x": self._placed(x, mask)}

    def corrupt(self, data: Tensor, t: PerCrystal, mask: Mask, noise: Noise) -> Noised:
        """Data are fractional coordinates on the torus. Target: [velocity | noise], or the one of them that it has."""
        z = torch.zeros_like(data)
        if self.settings.denoiser:
            z = self._normal(mask, noise).to(data.dtype)
            (_, beta), (_, slope) = self.path.ends(t), self.path.slopes(t)
            x, velocity = as_column(beta, data) * data, as_column(slope, data) * data
        else:
            x, velocity = self.path.carried(self._start(data, mask, noise), data, t, noise.shortest)
            if self.has_noise:
                z = self._normal(mask, noise).to(data.dtype)
        x = x + as_column(self.path.noise_width(t), data) * z
        velocity = self._centred(velocity, mask) / self.unit
        parts = [velocity] * self.has_velocity + [z] * self.has_noise
        return Noised({"x": self._placed(x, mask)}, torch.cat(parts, -1), torch.ones_like(t))

    def _start(self, data: Tensor, mask: Mask, noise: Noise) -> Tensor:
        """A draw of x0 for these data."""
        x0 = self._base(mask, noise).to(data.dtype)
        if self.settings.coupling == "none":
            return x0
        order = assign(squared_distances(data, x0, self.torus), mask)
        return torch.take_along_dim(x0, order.unsqueeze(-1), 1)

    def inputs(self, state: State, t: PerCrystal) -> dict[str, Tensor]:
        return {self.name: state["x"]}

    def loss(self, prediction: Tensor, noised: Noised, mask: Mask) -> PerCrystal:
        """Mean squared error of each crystal over its real atoms and channels, of the velocity plus noise_weight times
        that of the noise. A translation of the whole crystal costs nothing where the process is centred."""
        error = prediction.float() - noised.target
        parts = error.split(self.width, -1)
        weights = [1.0] * self.has_velocity + [self.settings.noise_weight] * self.has_noise
        losses = [
            weight * super(Interpolant, self).loss(self._centred(part, mask), _nothing(part, noised), mask)
            for weight, part in zip(weights, parts, strict=True)
        ]
        return torch.stack(losses).sum(0)

    def flow(self, state: State, prediction: Tensor, t: PerCrystal, mask: Mask) -> Tensor:
        """[velocity of the path | noise], [..., 2 width]: what `follow` integrates over a step."""
        parts = prediction.split(self.width, -1)
        nothing = torch.zeros_like(parts[0])
        velocity = self._centred(parts[0], mask) * self.unit if self.has_velocity else nothing
        z = self._centred(parts[-1], mask) if self.has_noise else nothing
        return torch.cat([velocity, z], -1)

    def follow(self, state: State, flow: Tensor, move: Move) -> State:
        """x + k h u + (gamma(t + k h) - gamma(t)) z with the annealing k = 1 + slope t."""
        velocity, z = flow.split(self.width, -1)
        length = self.path.length(move)
        widths = self.path.noise_width((move.t + length).clamp(max=1)) - self.path.noise_width(move.t)
        x = state["x"] + as_column(length, velocity) * velocity + as_column(widths, z) * z
        return {"x": self._placed(x, move.mask)}

    def step(self, state: State, prediction: Tensor, move: Move) -> State:
        """dx = (b - epsilon / gamma z) dt + sqrt(2 epsilon) dW."""
        if not self.has_noise:
            raise self.lacks("step")
        mean, spread = self._law(state, prediction, move)
        fresh = self._normal(move.mask, move.noise).to(mean.dtype)
        return {"x": self._placed(mean + spread * fresh, move.mask)}

    def log_probability(self, state: State, after: State, prediction: Tensor, move: Move) -> PerCrystal:
        """In the units of `x`. Not for centred noise on the torus, whose images are those of all atoms together."""
        if "probability" not in self.can:
            raise self.lacks("probability")
        mean, spread = self._law(state, prediction, move)
        if self.torus:
            return wrapped(after["x"], mean, spread, 1.0, move.mask)
        return normal(after["x"], mean, spread, move.mask if self.level == "atom" else None)

    def _law(self, state: State, prediction: Tensor, move: Move) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of a stochastic step, before it is put into the cell."""
        flow = self.flow(state, prediction, move.t, move.mask)
        moved = self.follow(state, flow, move)
        kick = as_column(self.path.kick(move), flow)
        width = as_column(self.path.noise_width(move.t), flow)
        pull = kick / width.clamp(min=1e-12) * flow.split(self.width, -1)[1]
        return moved["x"] - pull, torch.sqrt(2 * kick)

    def endpoint(self, state: State, prediction: Tensor, t: PerCrystal, mask: Mask) -> Tensor:
        """x1 from x, u and z (`InterpolantPath.arrival`), up to a translation of the crystal where it is centred."""
        velocity, z = self.flow(state, prediction, t, mask).split(self.width, -1)
        x = state["x"] - as_column(self.path.noise_width(t), z) * z
        return self._placed(self.path.arrival(x, velocity, t), mask)

    def towards(self, state: State, prediction: Tensor, data: Tensor, t: PerCrystal, mask: Mask) -> Tensor:
        """By another velocity, in which the arrival is linear."""
        if self.torus or not self.has_velocity:
            return prediction
        here = torch.zeros_like(state["x"])
        reach = self.path.arrival(here, torch.ones_like(here), t)
        missing = data - self.endpoint(state, prediction, t, mask)
        step = torch.where(reach.abs() > LEAST_REACH, missing / reach, torch.zeros_like(missing)) / self.unit
        velocity, *noise = prediction.split(self.width, -1)
        return torch.cat([velocity + step, *noise], -1)

    def alpha_sigma(self, t: PerCrystal) -> tuple[PerCrystal, PerCrystal]:
        """Scale of the data and of all that is added to them at time t, for a standard normal base."""
        alpha, beta = self.path.ends(t)
        width = torch.zeros_like(alpha) if self.settings.denoiser else self.path.noise_width(t)
        return beta, torch.sqrt(alpha**2 + width**2)

    def tilted(self, state: State, prediction: Tensor, gradient: State, t: PerCrystal, mask: Mask) -> Tensor:
        """z = -gamma score and x0 = -alpha v score for a base of variance v, from which x1 follows: exact for a normal
        base. On the torus v is that of uniform numbers, and x1 is reached along the shortest way."""
        lean, parts = self._centred(gradient["x"], mask), []
        width = as_column(self.path.noise_width(t), lean)
        if self.has_velocity:
            (alpha, beta), (fall, rise) = (
                [as_column(c, lean) for c in pair] for pair in (self.path.ends(t), self.path.slopes(t))
            )
            variance = 1 / 12 if self.torus else 1.0
            velocity = -fall * alpha * variance * lean
            if not self.torus:
                added = (alpha**2 + (width**2 if self.has_noise else 0)) / beta.clamp(min=LEAST_SHOWN)
                velocity = velocity + rise * added * lean
            parts.append(velocity / self.unit)
        if self.has_noise:
            parts.append(-width * lean)
        return prediction + torch.cat(parts, -1)

    def decode(self, state: State) -> Tensor:
        return state["x"]

    def merge(self, state: State, held: State, known: Tensor, mask: Mask) -> State:
        """Where velocities are centred, the drawn crystal is first moved onto its known part as a whole."""
        if self.torus and self.settings.centred:
            part = (mask & known).unsqueeze(-1)
            gap = shortest(held["x"] - state["x"]) * part
            shift = gap.sum(1, keepdim=True) / part.sum(1, keepdim=True).clamp(min=1)
            state = {"x": self._placed(state["x"] + shift, mask)}
        return super().merge(state, held, known, mask)

    def _base(self, mask: Mask, noise: Noise) -> Tensor:
        if self.base is not None:
            return self.base(mask, noise)
        if self.torus:
            return noise.uniform(mask.shape[1], self.width)
        return self._normal(mask, noise)

    def _normal(self, mask: Mask, noise: Noise) -> Tensor:
        """Standard normal numbers, zero in padding and, on the torus, without a mean."""
        if self.level == "cell":
            return noise.normal(self.width)
        return self._centred(noise.normal(mask.shape[1], self.width), mask)

    def _centred(self, x: Tensor, mask: Mask) -> Tensor:
        if self.torus and self.settings.centred:
            return centre(x, mask)
        return x if self.level == "cell" else x * mask.unsqueeze(-1)

    def _placed(self, x: Tensor, mask: Mask) -> Tensor:
        """x in the cell, where there is one, and zero in padding."""
        if self.torus:
            x = torch.remainder(x, 1)
            # The remainder of a tiny negative number rounds to 1.
            x = torch.where(x < 1, x, torch.zeros_like(x))
        return x if self.level == "cell" else x * mask.unsqueeze(-1)


def _nothing(part: Tensor, noised: Noised) -> Noised:
    return Noised(noised.state, torch.zeros_like(part), noised.weight)
