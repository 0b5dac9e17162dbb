"""How a crystal is drawn from a model: a frozen dataclass that every recipe and every prediction holds."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal

from nucleate.errors import RecipeError
from nucleate.processes.base import StepRule

MOST_STEPS = 10**6
MOST_ANNEAL = 1000
"""The slopes in use are 1 to 20; at a thousand every step but the last goes to where the first guess points."""


@dataclass(frozen=True)
class SamplerSettings:
    """Settings of the sampler.

    Attributes:
        method: `em`, `ode`, `heun`, `multistep` or `pc`; heun and pc take two network evaluations a step.
        steps: steps from noise to data.
        grid: of the times u = 1 - t: `power` is (1 - i / steps)^power, uniform at 1 and finer near the data above;
            `karras` is u = sigma / (1 + sigma) with the noise levels of Karras et al. 2022 (arXiv 2206.00364, eq. 5),
            whose exponent is `power` (theirs is 7).
        power: see grid.
        noise_left: distance of the last time from the data, 0 to end on it.
        anneal_frac, anneal_lattice, anneal_species: slope s of the factor 1 + s t on steps along the probability flow
            (FlowMM's anti-annealing of velocities, here of every process with a probability flow).
        predictor_frac, predictor_lattice, predictor_species: of `pc`, the predictor of this quantity; `same` is that of
            all, `predictor`.
        order, predictor, tau, corrector, corrects, drift_in_corrector, euler, temperature: see
            `nucleate.processes.base.StepRule`.
    """

    method: Literal["em", "ode", "heun", "multistep", "pc"] = "pc"
    steps: int = 500
    grid: Literal["power", "karras"] = "power"
    power: float = 1.0
    noise_left: float = 0.0
    anneal_frac: float = 0.0
    anneal_lattice: float = 0.0
    anneal_species: float = 0.0
    order: Literal["corrector-first", "predictor-first"] = "corrector-first"
    predictor: Literal["ode", "em"] = "ode"
    predictor_frac: Literal["same", "ode", "em"] = "same"
    predictor_lattice: Literal["same", "ode", "em"] = "same"
    predictor_species: Literal["same", "ode", "em"] = "same"
    tau: float = 0.25
    corrector: Literal["crystal", "expected"] = "crystal"
    corrects: Literal["all", "frac"] = "all"
    drift_in_corrector: bool = True
    euler: bool = False
    temperature: float = 1.0

    def __post_init__(self) -> None:
        limits = {
            "steps": (1 <= self.steps <= MOST_STEPS, f"at least 1 and at most {MOST_STEPS}"),
            "power": (0.01 <= self.power <= 100, "from 0.01 to 100"),
            "temperature": (0 <= self.temperature <= 100, "at least 0 and at most 100"),
            "tau": (0 < self.tau <= 100, "above 0 and at most 100"),
            "noise_left": (0 <= self.noise_left < 1, "from 0 to below 1"),
            "anneal_frac": (0 <= self.anneal_frac <= MOST_ANNEAL, f"at least 0 and at most {MOST_ANNEAL}"),
            "anneal_lattice": (
                0 <= self.anneal_lattice <= MOST_ANNEAL,
                f"at least 0 and at most {MOST_ANNEAL}",
            ),
            "anneal_species": (
                0 <= self.anneal_species <= MOST_ANNEAL,
                f"at least 0 and at most {MOST_ANNEAL}",
            ),
        }
        for name, (holds, needed) in limits.items():
            if not holds:
                value = getattr(self, name)
                raise RecipeError(f"the sampler can't take {name} = {value}", f"{name} must be {needed}")

    @property
    def rule(self) -> StepRule:
        return StepRule(**{field.name: getattr(self, field.name) for field in fields(StepRule)})

    @property
    def evaluations(self) -> int:
        """NFE: network evaluations for each crystal. A last step of heun that ends on the data is of first order."""
        if self.method == "heun":
            return 2 * self.steps - (self.noise_left == 0)
        return self.steps * (2 if self.method == "pc" else 1)

    def rule_of(self, name: str) -> StepRule:
        """The rule of `frac`, `lattice` or `species`: `rule` with the quantity's own predictor."""
        own = getattr(self, f"predictor_{name}", "same")
        return self.rule if own == "same" else replace(self.rule, predictor=own)

    def anneal(self, name: str) -> float:
        """The slope of `frac`, `lattice` or `species`; 0 for other names."""
        return getattr(self, f"anneal_{name}", 0.0)
