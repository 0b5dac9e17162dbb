"""A process under test: data points, what is measured of them, and the exact answer in a network's place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from nucleate.arrays import Mask, PerCrystal
from nucleate.geometry.noise import Noise
from nucleate.geometry.torus import TAU, wrap
from nucleate.processes.base import LangevinSettings, Move, Noised, Process, State
from nucleate.sampling.methods.base import along, drawn
from nucleate.sampling.methods.pc import predicted
from nucleate.sampling.walk import Step

Oracle = Callable[[dict[str, Tensor], PerCrystal, Mask], Tensor]
"""The exact prediction: what a network is shown, the time and the mask go in."""


@dataclass(frozen=True)
class Way:
    """A step of one process, with the settings that it takes.

    Attributes:
        step: as methods take it.
        settings: of the process's class `step_settings`; others have their defaults.
        langevin: size of a corrector's step.
    """

    step: Step
    settings: Any = None
    langevin: LangevinSettings = LangevinSettings()

    def move(self, t: PerCrystal, t_next: PerCrystal, mask: Mask, noise: Noise, anneal: float = 0.0) -> Move:
        return Move(t, t_next, mask, noise, anneal, self.settings, self.langevin)

    def corrected(self, process: Process, state: State, prediction: Tensor, move: Move) -> State:
        """The state after a corrector step, if the process has one."""
        return process.correct(state, prediction, move) if "correction" in process.can else state


WAYS: dict[str, Way] = {
    "em": Way(drawn),
    "ode": Way(along),
    "pc-stochastic": Way(drawn, langevin=LangevinSettings(corrector="expected")),
    "pc": Way(predicted),
}


def largest_difference(x: Tensor, point: Tensor) -> PerCrystal:
    """Of the numbers of each crystal to those of a point."""
    return (x - point).abs().flatten(1).amax(-1).float()


def largest_difference_on_torus(x: Tensor, point: Tensor) -> PerCrystal:
    """The same, of fractional coordinates."""
    return wrap(TAU * (x - point)).abs().flatten(1).amax(-1) / TAU


def means_and_squares(state: State) -> Tensor:
    """Every number of a state and its square. [statistics, crystals]"""
    x = torch.cat([part.flatten(1).float() for part in state.values()], 1).T
    return torch.cat([x, x**2])


def phases(state: State) -> Tensor:
    """Cosine and sine of the angle of each fractional coordinate of a state `x`. [statistics, crystals]"""
    angle = TAU * state["x"].flatten(1).T
    return torch.cat([angle.cos(), angle.sin()])


@dataclass(frozen=True)
class ProcessCase:
    """A process with two data points, what is measured, and, where it is known, the exact prediction for them.

    Attributes:
        name: by which the tests are known.
        process: the instance under test.
        points: two data points, [2, atoms, channels], [2, atoms] or [2, channels].
        oracle: makes the exact prediction for the first of the points, or both, with weights; None where it is not
            known, and then nothing is checked that needs it.
        distance: of decoded quantities to a data point, [crystals]: 0 is recovery.
        moments: bounded or normal statistics of a state, [statistics, crystals], whose means are compared.
        prior_gap: how far the means of `moments` at t = 0 may be from those of the prior (a finite horizon). From 0.2
            on, the weights of two points are not asked for.
        perfect: what a network that knows the data would say.
        ways: to take one step, by name.
        apart: distances of decoded quantities to both points, [2, draws], where one crystal is several draws.
    """

    name: str
    process: Process
    points: Tensor
    oracle: Callable[[Tensor, Tensor], Oracle] | None = None
    distance: Callable[[Tensor, Tensor], Tensor] = largest_difference
    moments: Callable[[State], Tensor] = means_and_squares
    prior_gap: float = 0.0
    perfect: Callable[[Noised], Tensor] = lambda noised: noised.target
    ways: Mapping[str, Way] = field(default_factory=lambda: WAYS)
    apart: Callable[[Tensor, Tensor], Tensor] | None = None

    @property
    def atoms(self) -> int:
        """In each crystal; two where the quantity is the cell's."""
        return self.points.shape[1] if self.process.level == "atom" else 2

    def mask(self, crystals: int) -> Mask:
        return torch.ones(crystals, self.atoms, dtype=torch.bool)

    def data(self, weights: Tensor, crystals: int) -> tuple[Tensor, Tensor]:
        """Data points in exact proportion to their weights, and which is which."""
        which = (torch.arange(crystals) >= round(crystals * weights[0].item())).long()
        return self.points[which], which

    def corrupted(self, weights: Tensor, t: float, crystals: int, seed: int = 2) -> Noised:
        """Draws of the state at time t, of data points in proportion to their weights."""
        data, _ = self.data(weights, crystals)
        noise = Noise.of(seed, torch.arange(crystals))
        return self.process.corrupt(data, torch.full((crystals,), t), self.mask(crystals), noise)

    def gaps(self, decoded: Tensor) -> Tensor:
        """Distances of decoded quantities to both points. [2, draws]"""
        if self.apart is not None:
            return self.apart(decoded, self.points)
        return torch.stack([self.distance(decoded, point) for point in self.points])
