"""A process under test: data points, statistics to compare, and the exact prediction in place of a network."""

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
"""The exact prediction as a function of the network's inputs, the time and the mask."""


@dataclass(frozen=True)
class Way:
    """One kind of step of a process, with its settings.

    Attributes:
        step: as in the sampling methods.
        settings: of the class `Process.step_settings`; a process of another class takes its defaults.
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
    """Largest difference between the numbers of each crystal and those of a point."""
    return (x - point).abs().flatten(1).amax(-1).float()


def largest_difference_on_torus(x: Tensor, point: Tensor) -> PerCrystal:
    """The same for fractional coordinates."""
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
    """A process with two data points, statistics to compare, and the exact prediction for them, where it is known.

    Attributes:
        name: shown in the names of the tests.
        process: the instance under test.
        points: two data points, [2, atoms, channels], [2, atoms] or [2, channels].
        oracle: makes the exact prediction for the first point, or for both, from points and weights; None where it is
            not known, which leaves out the checks that need it.
        distance: between decoded quantities and a data point, [crystals]; 0 is recovery.
        moments: bounded or normal statistics of a state, [statistics, crystals], whose means are compared.
        prior_gap: largest difference between the means of `moments` at t = 0 and those of the prior (finite horizon).
            From 0.2 on, the weights of two points are not checked.
        perfect: the prediction of a network that knows the data.
        ways: kinds of step, by name.
        apart: distances between decoded quantities and both points, [2, draws], where one crystal is several draws.
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
        """Atoms in each crystal; two where the quantity belongs to the cell."""
        return self.points.shape[1] if self.process.level == "atom" else 2

    def mask(self, crystals: int) -> Mask:
        return torch.ones(crystals, self.atoms, dtype=torch.bool)

    def data(self, weights: Tensor, crystals: int) -> tuple[Tensor, Tensor]:
        """Data points in exact proportion to their weights, and the index of each."""
        which = (torch.arange(crystals) >= round(crystals * weights[0].item())).long()
        return self.points[which], which

    def corrupted(self, weights: Tensor, t: float, crystals: int, seed: int = 2) -> Noised:
        """Draws of the state at time t for data points in proportion to their weights."""
        data, _ = self.data(weights, crystals)
        noise = Noise.of(seed, torch.arange(crystals))
        return self.process.corrupt(data, torch.full((crystals,), t), self.mask(crystals), noise)

    def gaps(self, decoded: Tensor) -> Tensor:
        """Distances between decoded quantities and both points. [2, draws]"""
        if self.apart is not None:
            return self.apart(decoded, self.points)
        return torch.stack([self.distance(decoded, point) for point in self.points])
