"""How a crystal is drawn from a model: a frozen dataclass that every recipe and every prediction holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nucleate.errors import RecipeError
from nucleate.processes.base import StepRule


@dataclass(frozen=True)
class SamplerSettings:
    """Settings of the sampler.

    Attributes:
        method: `em`, `ode` or `pc`; pc takes two network evaluations a step.
        steps: steps from noise to data. power: 1 for a uniform time grid; above 1 steps are smaller near the data.
        noise_left: distance of the last time from the data, 0 to end on it.
        order, tau, corrector, drift_in_corrector, euler, temperature: see `nucleate.processes.base.StepRule`.
    """

    method: Literal["em", "ode", "pc"] = "pc"
    steps: int = 500
    power: float = 1.0
    noise_left: float = 0.0
    order: Literal["corrector-first", "predictor-first"] = "corrector-first"
    tau: float = 0.25
    corrector: Literal["crystal", "expected"] = "crystal"
    drift_in_corrector: bool = True
    euler: bool = False
    temperature: float = 1.0

    def __post_init__(self) -> None:
        limits = {
            "steps": (self.steps, self.steps >= 1, "at least 1"),
            "power": (self.power, self.power > 0, "above 0"),
            "temperature": (self.temperature, self.temperature >= 0, "at least 0"),
            "tau": (self.tau, self.tau > 0, "above 0"),
            "noise_left": (self.noise_left, 0 <= self.noise_left < 1, "from 0 to below 1"),
        }
        for name, (value, holds, needed) in limits.items():
            if not holds:
                raise RecipeError(f"sampler setting {name} = {value}", f"{name} must be {needed}")

    @property
    def rule(self) -> StepRule:
        return StepRule(
            self.method,
            self.order,
            self.tau,
            self.corrector,
            self.drift_in_corrector,
            self.euler,
            self.temperature,
        )

    @property
    def evaluations(self) -> int:
        """NFE: network evaluations for each crystal."""
        return self.steps * (2 if self.method == "pc" else 1)
