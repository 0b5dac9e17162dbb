"""Settings of tuning: what all ways share, and what each has for itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nucleate.settings import MOST_SEED, within


@dataclass(frozen=True)
class TuneSettings:
    """What every way to tune has.

    Attributes:
        draws: crystals drawn in a round.
        learning_rate: of AdamW.
        clip: largest gradient norm.
        rank: of the changes to each layer's weights that are learned; 0 for all weights as they are.
        seed: of draws and learning.
        nfe: network evaluations of a draw; 0 for the model's own sampler.
    """

    draws: int = 64
    learning_rate: float = 1e-4
    clip: float = 1.0
    rank: int = 0
    seed: int = 0
    nfe: int = 0

    def __post_init__(self) -> None:
        within(self, 2, 10**6, "draws", "tune.")
        within(self, 1e-9, 1.0, "learning_rate", "tune.")
        within(self, 1e-6, 1e9, "clip", "tune.")
        within(self, 0, 1024, "rank", "tune.")
        within(self, 0, MOST_SEED, "seed", "tune.")
        within(self, 0, 10**6, "nfe", "tune.")


@dataclass(frozen=True)
class WeightedSettings(TuneSettings):
    """Of reward-weighted fine-tuning.

    Attributes:
        steps: optimiser steps in a round.
        batch: crystals in a step.
        buffer: best crystals that are kept.
        temperature: a crystal of the buffer is shown in proportion to exp(reward / temperature).
        base_share: share of the batch that the untouched model drew, or that comes from a data set.
        base_draws: how many of these there are.
        per_formula: crystals of one reduced formula in the buffer.
        per_system: largest share of the buffer that one chemical system has.
    """

    learning_rate: float = 3e-4
    steps: int = 20
    batch: int = 64
    buffer: int = 256
    temperature: float = 0.2
    base_share: float = 0.25
    base_draws: int = 256
    per_formula: int = 1
    per_system: float = 0.02

    def __post_init__(self) -> None:
        super().__post_init__()
        within(self, 1, 10**6, "steps batch buffer base_draws per_formula", "tune.")
        within(self, 1e-4, 1e4, "temperature", "tune.")
        within(self, 0, 0.99, "base_share", "tune.")
        within(self, 1e-6, 1, "per_system", "tune.")


@dataclass(frozen=True)
class PolicySettings(TuneSettings):
    """Of group-relative policy gradients.

    Attributes:
        group: draws that are compared with one another: they were asked for the same.
        passes: passes over the draws of a round.
        batch: draws in an optimiser step.
        ratio: how far the ratio of probabilities may leave 1 before a draw stops counting.
        kl: weight of the distance from the untouched model.
        times: steps of a draw that are learned from, chosen at random; 0 for all.
        sampler: `own` for the model's, or `em`, in which all quantities are drawn.
    """

    learning_rate: float = 3e-5
    group: int = 16
    passes: int = 1
    batch: int = 32
    ratio: float = 0.2
    kl: float = 0.02
    times: int = 8
    sampler: Literal["own", "em"] = "own"

    def __post_init__(self) -> None:
        super().__post_init__()
        within(self, 2, 10**6, "group", "tune.")
        within(self, 1, 10**6, "passes batch", "tune.")
        within(self, 1e-6, 0.999, "ratio", "tune.")
        within(self, 0, 1e6, "kl", "tune.")
        within(self, 0, 10**6, "times", "tune.")


@dataclass(frozen=True)
class SequencesSettings(TuneSettings):
    """Of policy gradients for Wyckoff sequences before a structure model that stays as it is.

    Attributes:
        group: draws that are compared with one another; 0 for all of a round.
        passes: passes over the draws of a round.
        batch: draws in an optimiser step.
        ratio: how far the ratio of probabilities may leave 1 before a draw stops counting.
        kl: weight of the distance from the untouched model.
    """

    learning_rate: float = 1e-3
    passes: int = 4
    batch: int = 64
    ratio: float = 0.3
    kl: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        within(self, 1, 10**6, "passes batch", "tune.")
        within(self, 1e-6, 0.999, "ratio", "tune.")
        within(self, 0, 1e6, "kl", "tune.")


@dataclass(frozen=True)
class Budget:
    """When a run ends: at the first of these that is reached, after the round that reaches it.

    Attributes:
        calls: crystals that the reward measured.
        rounds: of drawing and learning.
        minutes: of the whole run, whatever it was interrupted by.
    """

    calls: int | None = None
    rounds: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        within(self, 1, 10**9, "calls rounds", "budget.")
        within(self, 1e-3, 1e7, "minutes", "budget.")

    def spent(self, calls: int, rounds: int, seconds: float) -> bool:
        """Whether nothing is left of it."""
        limits = ((self.calls, calls), (self.rounds, rounds), (self.minutes, seconds / 60))
        return any(limit is not None and used >= limit for limit, used in limits)
