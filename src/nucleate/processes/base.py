"""What a process is: the mathematics of one quantity of a crystal between noise (t = 0) and data (t = 1).

A process never sees the network. It says what the network is shown (`inputs`) and what it is asked for (`corrupt`
gives the target), and turns the answer into a step towards the data. Tensors are [crystals, atoms, channels] for
quantities of atoms and [crystals, channels] for quantities of the cell; padding is kept at zero.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from nucleate.arrays import Mask, PerCrystal
from nucleate.geometry.noise import Noise

State = dict[str, Tensor]


@dataclass(frozen=True)
class Noised:
    """A corrupted sample: the state at time t, what the network should say, and the weight of each crystal's loss."""

    state: State
    target: Tensor
    weight: PerCrystal


@dataclass(frozen=True)
class StepRule:
    """How a sampler moves from t to t_next.

    Attributes:
        method: `em` samples the reverse stochastic equation. `ode`, `heun` and `multistep` follow the probability flow:
            at first order; at second order with two evaluations a step; at second order with one, from the last
            two answers. `pc` takes a predictor and a Langevin corrector (two evaluations a step).
        order: which of the two comes first under `pc`: `corrector-first` is the published code of KLDM and DiffCSP,
            `predictor-first` the algorithm 4 of KLDM's paper.
        predictor: of `pc`: a step of the probability flow (KLDM) or of the stochastic equation (DiffCSP).
        tau: size of a corrector step relative to the mean squared score of the crystal.
        corrector: step size of the corrector, relative to the mean squared score of the `crystal` (as published for
            KLDM) or to its `expected` value at this time (as published for DiffCSP).
        corrects: what the corrector moves: `all` quantities that have one, or the coordinates (`frac`) alone.
        drift_in_corrector: whether the corrector of the kinetic process moves the coordinates as well.
        temperature: of the draws of discrete processes; below 1 they favour what is probable.
        euler: take plain Euler-Maruyama steps of the variance-preserving process under `em` (as published) in place of
            its exact ancestral step.
    """

    method: Literal["em", "ode", "heun", "multistep", "pc"] = "pc"
    order: Literal["corrector-first", "predictor-first"] = "corrector-first"
    predictor: Literal["ode", "em"] = "ode"
    tau: float = 0.25
    corrector: Literal["crystal", "expected"] = "crystal"
    corrects: Literal["all", "frac"] = "all"
    drift_in_corrector: bool = True
    euler: bool = False
    temperature: float = 1.0

    @property
    def stochastic(self) -> bool:
        """Whether a step draws noise."""
        return self.method == "em" or (self.method == "pc" and self.predictor == "em")


@dataclass(frozen=True)
class Move:
    """From where to where a sampler moves a batch, and with what.

    Attributes:
        t, t_next: times in [0, 1], t_next > t; a corrector works at t, and t_next is where the sampler goes afterwards.
        mask: which atoms are real. noise: of this step. rule: how.
        anneal: slope s of the factor 1 + s t on the step along a probability flow (anti-annealing).
    """

    t: PerCrystal
    t_next: PerCrystal
    mask: Mask
    noise: Noise
    rule: StepRule
    anneal: float = 0.0

    @property
    def further(self) -> PerCrystal:
        """The time that an annealed step along the probability flow goes to, while the network will be told t_next."""
        return (self.t + (1 + self.anneal * self.t) * (self.t_next - self.t)).clamp(max=1)


class Process(ABC):
    """One quantity's path from noise to data. Stateless: everything that moves is in the state it returns.

    Attributes:
        level: whether the quantity belongs to each `atom` or to the `cell`.
        target_width: channels of what the network is asked for, 0 if nothing.
    """

    level: Literal["atom", "cell"]
    target_width: int

    @abstractmethod
    def prior(self, mask: Mask, noise: Noise) -> State:
        """A draw from the distribution at t = 0."""

    @abstractmethod
    def corrupt(self, data: Tensor, t: PerCrystal, mask: Mask, noise: Noise) -> Noised:
        """A draw of the state at time t given the data, with the network's target."""

    @abstractmethod
    def inputs(self, state: State, t: PerCrystal) -> dict[str, Tensor]:
        """What the network is shown, by the names that networks know: frac, velocity, lattice, species."""

    @abstractmethod
    def step(self, state: State, prediction: Tensor, move: Move) -> State:
        """The state at the move's t_next, from the network's answer at t. Under `pc` this is the predictor; where the
        rule is not stochastic, a process with a probability flow follows it."""

    def flow(self, state: State, prediction: Tensor, t: PerCrystal, mask: Mask) -> Tensor | None:
        """What stays nearly constant along the probability flow and is integrated exactly by `follow`: the velocity of
        a flow, the noise or the clean data of a diffusion. None for a process that has no probability flow."""
        return None

    def between(self, one: Tensor, other: Tensor, weight: float) -> Tensor:
        """one + weight (other - one), for two values of `flow`."""
        return one + weight * (other - one)

    def follow(self, state: State, flow: Tensor, move: Move) -> State:
        """The state along the probability flow at the time `move.further`, if `flow` does not change on the way."""
        raise NotImplementedError(f"{type(self).__name__} has no probability flow")

    @abstractmethod
    def endpoint(self, state: State, prediction: Tensor, t: PerCrystal, mask: Mask) -> Tensor:
        """The best guess of the data, from the state and the network's answer at time t."""

    @abstractmethod
    def decode(self, state: State) -> Tensor:
        """The quantity itself, from the state at t = 1."""

    def held(self, data: Tensor, t: PerCrystal, mask: Mask, noise: Noise) -> State:
        """The state at time t of what is known beforehand. The same noise at every t gives one path to the data."""
        return self.corrupt(data, t, mask, noise).state

    def merge(self, state: State, held: State, known: Tensor, mask: Mask) -> State:
        """The state with its known part, [crystals, atoms] or [crystals], put in place of what was drawn for it."""
        return {
            name: torch.where(known.reshape(*known.shape, *(1,) * (x.ndim - known.ndim)), held[name], x)
            for name, x in state.items()
        }

    def correct(self, state: State, prediction: Tensor, move: Move) -> State:
        """A corrector step at the move's t, where the process has one."""
        return state

    def loss(self, prediction: Tensor, noised: Noised, mask: Mask) -> PerCrystal:
        """Mean squared error of each crystal over its real atoms and channels, times the weight."""
        error = (prediction.float() - noised.target).square().mean(-1)
        if self.level == "atom":
            error = (error * mask).sum(1) / mask.sum(1).clamp(min=1)
        return error * noised.weight


def as_column(x: PerCrystal, like: Tensor) -> Tensor:
    """[crystals] reshaped to broadcast against [crystals, ..., channels]."""
    return x.reshape(-1, *(1,) * (like.ndim - 1))


def langevin(
    x: Tensor, score: Tensor, mask: Mask | None, expected: Tensor, rule: StepRule, z: Tensor
) -> Tensor:
    """x + delta s + sqrt(2 delta) z with delta = tau / power; a zero score leaves x as it is.

    The power is the mean of s^2 over the crystal (Song et al. 2021, arXiv 2011.13456, algorithm 5, with the step size
    of each crystal by itself) or, under `corrector = expected`, its expectation at this time. The former depends on
    the state without the term that would make up for it, and its inverse is heavy-tailed in small cells.
    """
    if rule.corrector == "expected":
        delta = rule.tau / expected
    else:
        power = score.square().mean(-1)
        if mask is not None:
            power = power.sum(1) / mask.sum(1).clamp(min=1)
        moves = power > 1e-12
        delta = as_column(torch.where(moves, rule.tau / power.clamp(min=1e-12), torch.zeros_like(power)), x)
    return x + delta * score + torch.sqrt(2 * delta) * z
