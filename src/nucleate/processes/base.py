"""What a process is: the mathematics of one quantity of a crystal between noise (t = 0) and data (t = 1).

A process never sees the network. It gives the network's inputs (`inputs`) and its target (`corrupt`), and turns
predictions into steps towards the data. `can` lists the kinds of step it has; a method (`nucleate.sampling.methods`)
chooses among them. Tensors are [crystals, atoms, channels] for
quantities of atoms and [crystals, channels] for quantities of the cell; padding is kept at zero.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar

import torch
from jaxtyping import Bool
from torch import Tensor
from torch.distributions import Distribution

from nucleate.arrays import Mask, PerCrystal, Species
from nucleate.errors import RecipeError
from nucleate.geometry.noise import Noise
from nucleate.settings import check_limits

State = dict[str, Tensor]
Own = TypeVar("Own")

Ability = Literal["flow", "step", "correction", "distribution", "probability"]
"""Kinds of step that a process may have."""
WAYS: dict[Ability, str] = {
    "flow": "flow",
    "step": "step",
    "correction": "correct",
    "distribution": "distribution",
    "probability": "log_probability",
}
"""The method of `Process` behind each ability."""
NAMES: dict[Ability, str] = {
    "flow": "probability flow",
    "step": "stochastic step",
    "correction": "Langevin corrector",
    "distribution": "distribution of a step",
    "probability": "log-probability of a step",
}


@dataclass(frozen=True)
class Noised:
    """A corrupted sample: the state at time t, the network's target, and the weight of each crystal's loss.

    truth: of a network that answers with a distribution, what that is over (`Process.answer_width`).
    """

    state: State
    target: Tensor
    weight: PerCrystal
    truth: Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class LangevinSettings:
    """Size of a Langevin step, which every corrector takes.

    Attributes:
        tau: size of the step relative to the mean squared score.
        corrector: which mean squared score: that of the `crystal` (as published for KLDM; biased, see
            docs/concepts/samplers.md) or its `expected` value at this time (as published for DiffCSP). Files without
            this setting mean the former; our recipes set it, and `pc` chosen by name uses the latter.
    """

    tau: float = 0.25
    corrector: Literal["crystal", "expected"] = "crystal"

    def __post_init__(self) -> None:
        check_limits("the sampler", self, {"tau": (0 < self.tau <= 100, "above 0 and at most 100")})


@dataclass(frozen=True, kw_only=True)
class NoSettings:
    """No settings."""


@dataclass(frozen=True)
class Move:
    """One step of a batch: its times, noise and settings.

    Attributes:
        t, t_next: times in [0, 1], t_next > t; a corrector works at t, and t_next is where the sampler goes afterwards.
        mask: which atoms are real.
        noise: random numbers of this step.
        anneal: slope s of the factor 1 + s t on the step along a probability flow (anti-annealing).
        settings: those of the process, of the class `Process.step_settings`; its defaults if None.
        langevin: size of a corrector's step.
    """

    t: PerCrystal
    t_next: PerCrystal
    mask: Mask
    noise: Noise
    anneal: float = 0.0
    settings: Any = None
    langevin: LangevinSettings = LangevinSettings()

    @property
    def further(self) -> PerCrystal:
        """The time that an annealed step along the probability flow reaches; the network is told t_next."""
        return (self.t + (1 + self.anneal * self.t) * (self.t_next - self.t)).clamp(max=1)

    def of(self, kind: type[Own]) -> Own:
        """The process's own settings."""
        return self.settings if isinstance(self.settings, kind) else kind()


class Process(ABC):
    """One quantity's path from noise to data. Stateless: everything that moves is in the state it returns.

    Attributes:
        level: whether the quantity belongs to each `atom` or to the `cell`.
        target_width: channels of the network's target, 0 if it has none.
        answer_width: channels of the network's answer where this is a distribution whose mean is the prediction
            (`mean`), None where it is the prediction itself.
        can: kinds of step that it has. By default those whose method (`WAYS`) the class defines.
        step_settings: class of its settings for a step, all with defaults; the sampler's settings include them.
        told: whether it can be given in some crystals of a batch that others have to draw it for (`given`).
        positions: parts of the state that are points of the torus, with the ends of the cell they lie in. What else
            a state of coordinates holds, and all that is predicted of it, are displacements, 3 channels each.
    """

    level: Literal["atom", "cell"]
    target_width: int
    answer_width: int | None = None
    can: frozenset[Ability] = frozenset()
    step_settings: ClassVar[type] = NoSettings
    told: ClassVar[bool] = False
    positions: Mapping[str, tuple[float, float]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "can" not in vars(cls):
            cls.can = frozenset(
                a for a, name in WAYS.items() if getattr(cls, name) is not getattr(Process, name)
            )

    def for_species(self, species: Species) -> Process:
        """This process for crystals of these atoms, 0 in padding, whose composition is given: itself, unless the
        distribution at t = 0 depends on the composition."""
        return self

    @abstractmethod
    def prior(self, mask: Mask, noise: Noise) -> State:
        """A draw from the distribution at t = 0."""

    @abstractmethod
    def corrupt(self, data: Tensor, t: PerCrystal, mask: Mask, noise: Noise) -> Noised:
        """A draw of the state at time t given the data, with the network's target."""

    def given(self, data: Tensor, noised: Noised, which: Bool[Tensor, " crystals"]) -> Noised:
        """The corrupted sample where in these crystals the quantity is known at every time, and nothing is asked of it:
        they teach what depends on it, and not how it is distributed."""
        raise NotImplementedError(f"{type(self).__name__} is drawn for all crystals alike")

    @abstractmethod
    def inputs(self, state: State, t: PerCrystal) -> dict[str, Tensor]:
        """The network's inputs, by the names that networks know: frac, velocity, lattice, species."""

    def mean(self, answer: Tensor, t: PerCrystal) -> Tensor:
        """The prediction that the network's answer stands for: itself, unless that is a distribution."""
        return answer

    def step(self, state: State, prediction: Tensor, move: Move) -> State:
        """The state at the move's t_next, drawn from the reverse process with the prediction at t."""
        raise self.lacks("step")

    def distribution(self, state: State, prediction: Tensor, move: Move) -> Distribution:
        """The distribution from which `step` draws each number of the state's `x`. Padding, and a last step that ends
        on a point, have no density."""
        raise self.lacks("distribution")

    def log_probability(self, state: State, after: State, prediction: Tensor, move: Move) -> PerCrystal:
        """Log-density with which `step` leads from `state` to `after`, for each crystal, differentiable in the
        prediction; probabilities of species. A step that draws nothing, such as the last one to the data, gives 0."""
        raise self.lacks("probability")

    def flow(self, state: State, prediction: Tensor, t: PerCrystal, mask: Mask) -> Tensor:
        """What is nearly constant along the probability flow, and integrated exactly by `follow`: the velocity of a
        flow, or the noise or the clean data of a diffusion."""
        raise self.lacks("flow")

    def between(self, one: Tensor, other: Tensor, weight: float) -> Tensor:
        """one + weight (other - one), for two values of `flow`."""
        return one + weight * (other - one)

    def follow(self, state: State, flow: Tensor, move: Move) -> State:
        """The state on the probability flow at the time `move.further`, if `flow` stays constant over the step."""
        raise self.lacks("flow")

    def along(self, state: State, prediction: Tensor, move: Move) -> State:
        """A first-order step along the probability flow. Draws nothing."""
        return self.follow(state, self.flow(state, prediction, move.t, move.mask), move)

    def predict(self, state: State, prediction: Tensor, move: Move) -> State:
        """The deterministic predictor of `pc`: `along`, unless a paper has another. Draws nothing."""
        return self.along(state, prediction, move)

    def lacks(self, ability: Ability) -> RecipeError:
        """The error for an ability that this process lacks."""
        return RecipeError(
            f"{type(self).__name__} has no {NAMES[ability]}",
            "use a method that does not need one, or another process",
        )

    @abstractmethod
    def endpoint(self, state: State, prediction: Tensor, t: PerCrystal, mask: Mask) -> Tensor:
        """The best guess of the data, from the state and the prediction at time t."""

    def towards(self, state: State, prediction: Tensor, data: Tensor, t: PerCrystal, mask: Mask) -> Tensor:
        """The prediction nearest to this one whose `endpoint` is `data`; the same one where that can't be said."""
        return prediction

    @abstractmethod
    def decode(self, state: State) -> Tensor:
        """The quantity itself, from the state at t = 1."""

    def held(self, data: Tensor, t: PerCrystal, mask: Mask, noise: Noise) -> State:
        """The state at time t of known data. The same noise at every t gives one path to the data."""
        return self.corrupt(data, t, mask, noise).state

    def merge(self, state: State, held: State, known: Tensor, mask: Mask) -> State:
        """The state with its known part, [crystals, atoms] or [crystals], replaced by that of `held`."""
        return {
            name: torch.where(known.reshape(*known.shape, *(1,) * (x.ndim - known.ndim)), held[name], x)
            for name, x in state.items()
        }

    def correct(self, state: State, prediction: Tensor, move: Move) -> State:
        """A Langevin step at the move's t."""
        raise self.lacks("correction")

    def noisy(self, state: State, t: PerCrystal) -> Tensor:
        """The quantity as far as the state at time t shows it, in the units of the data; noise is all it lacks."""
        return next(iter(self.inputs(state, t).values()))

    def tilted(self, state: State, prediction: Tensor, gradient: State, t: PerCrystal, mask: Mask) -> Tensor:
        """The prediction for states whose density is multiplied by exp(f), by Bayes' rule for scores (Dhariwal and
        Nichol 2021, arXiv 2105.05233). gradient: of f with respect to the parts of the state; of discrete species
        with respect to probabilities of atomic numbers. Raises RecipeError where a process can't be steered so."""
        raise RecipeError(
            f"{type(self).__name__} can't be steered by a gradient", "steer the other quantities only"
        )

    def answer_loss(self, answer: Tensor, noised: Noised, t: PerCrystal, mask: Mask) -> PerCrystal:
        """Loss of the network's answer as it is: that of its mean, unless it is a distribution."""
        return self.loss(self.mean(answer, t), noised, mask)

    def loss(self, prediction: Tensor, noised: Noised, mask: Mask) -> PerCrystal:
        """Mean squared error of each crystal over its real atoms and channels, times the weight."""
        error = (prediction.float() - noised.target).square().mean(-1)
        if self.level == "atom":
            error = (error * mask).sum(1) / mask.sum(1).clamp(min=1)
        return error * noised.weight


def as_column(x: PerCrystal, like: Tensor) -> Tensor:
    """[crystals] reshaped to broadcast against [crystals, ..., channels]."""
    return x.reshape(-1, *(1,) * (like.ndim - 1))
