"""Settings of the sampler: a frozen dataclass that every recipe and every prediction holds.

One flat list of names, as in `[sampler]` of a recipe and `--set`. Each is declared, with its limits, beside what it is
for: those of a method in its file, those of a process's step in that of the process, the others here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, make_dataclass, replace
from functools import cache
from typing import Any, Literal, TypeVar

from nucleate.processes.base import Move, Process
from nucleate.processes.gaussian import GaussianStep
from nucleate.processes.kinetic_settings import KineticStep
from nucleate.processes.masked import MaskedStep
from nucleate.sampling.methods.base import Method
from nucleate.sampling.methods.pc import PredictorCorrectorSettings
from nucleate.sampling.methods.registry import get_method
from nucleate.settings import check_limits, to_dict

MOST_STEPS = 10**6
MOST_ANNEAL = 1000
"""The slopes in use are 1 to 20; at a thousand every step but the last goes to where the first guess points."""

EVENLY = {"grid": "power", "power": 1.0, "start": 0.0}
"""The grid of a method that is asked for by its name: another one's was found for that."""

Owner = TypeVar("Owner")


@dataclass(frozen=True)
class CommonSettings:
    """What every sampler has.

    Attributes:
        method: `em`, `ode`, `heun`, `multistep`, `pc`, or another of `nucleate.sampling.methods.registry`; heun and pc
            take two network evaluations a step.
        steps: steps from noise to data.
        grid: of the times u = 1 - t: `power` is (1 - i / steps)^power, uniform at 1 and finer near the data above;
            `karras` is u = sigma / (1 + sigma) with the noise levels of Karras et al. 2022 (arXiv 2206.00364, eq. 5),
            whose exponent is `power` (theirs is 7).
        power: see grid.
        start: the time that the first noise is taken for. Above 0 the steps are spent on the rest of the way: early on
            the noise hides nearly everything, and few steps are too precious for that.
        noise_left: distance of the last time from the data, 0 to end on it.
        anneal_frac, anneal_lattice, anneal_species: slope s of the factor 1 + s t on steps along the probability flow
            (FlowMM's anti-annealing of velocities, here of every process with a probability flow).
    """

    method: str = "pc"
    steps: int = 500
    grid: Literal["power", "karras"] = "power"
    power: float = 1.0
    start: float = 0.0
    noise_left: float = 0.0
    anneal_frac: float = 0.0
    anneal_lattice: float = 0.0
    anneal_species: float = 0.0

    def __post_init__(self) -> None:
        slopes = {name: getattr(self, name) for name in ("anneal_frac", "anneal_lattice", "anneal_species")}
        limits = {
            "steps": (1 <= self.steps <= MOST_STEPS, f"at least 1 and at most {MOST_STEPS}"),
            "power": (0.01 <= self.power <= 100, "from 0.01 to 100"),
            "start": (0 <= self.start < 1, "from 0 to below 1"),
            "noise_left": (
                0 <= self.noise_left < 1 - self.start,
                f"at least 0 and below 1 - start = {1 - self.start:g}",
            ),
        }
        for name, slope in slopes.items():
            limits[name] = (0 <= slope <= MOST_ANNEAL, f"at least 0 and at most {MOST_ANNEAL}")
        check_limits("the sampler", self, limits)


@dataclass(frozen=True)
class SamplerSettings(MaskedStep, GaussianStep, KineticStep, PredictorCorrectorSettings, CommonSettings):
    """Settings of the sampler: see the base classes. Methods and processes ignore what is not theirs. A method of
    another package adds its own (`chosen`).
    """

    def __post_init__(self) -> None:
        get_method(self.method)
        for kind in type(self).__mro__:
            check = vars(kind).get("__post_init__")
            if check and not issubclass(kind, SamplerSettings):
                check(self)

    @classmethod
    def chosen(cls, values: Mapping[str, Any], where: str) -> type[SamplerSettings]:
        """This class with the settings of the method in `values`. Raises RecipeError for a method that there is not."""
        return settings_of(get_method(values.get("method", "pc"), where), vars(cls).get("plain", cls))

    def made(self) -> Method:
        """The method, for one batch."""
        kind = get_method(self.method)
        return kind(self.part(kind.Settings))

    @property
    def evaluations(self) -> int:
        """NFE: network evaluations for each crystal."""
        return self.made().evaluations(self.steps, to_data=self.noise_left == 0)

    def part(self, kind: type[Owner]) -> Owner:
        """Settings of one owner, with the values of the same names here and its defaults for other names."""
        here = {field.name for field in fields(self)}
        mine = [field.name for field in fields(kind)]  # type: ignore[arg-type]
        return kind(**{name: getattr(self, name) for name in mine if name in here})

    def owned(self, move: Move, name: str, process: Process) -> Move:
        """The move with what belongs to one process: its settings for a step and its annealing."""
        return replace(move, anneal=self.anneal(name), settings=self.part(process.step_settings))

    def anneal(self, name: str) -> float:
        """The slope of `frac`, `lattice` or `species`; 0 for other names."""
        return getattr(self, f"anneal_{name}", 0.0)

    def with_method(self, name: str) -> dict[str, Any]:
        """The settings, as a dictionary, with the method of this name. Where it is another one, with what goes with it
        by name, at evenly spaced times, and without what only the old one has. Raises RecipeError for a name that there
        is not."""
        method = get_method(name, "sampler.")
        if name == self.method:
            return to_dict(self)
        known = {field.name for field in fields(self.chosen({"method": name}, "sampler."))}
        values = {key: value for key, value in to_dict(self).items() if key in known}
        return values | EVENLY | dict(method.by_name) | {"method": name}


def scaled(sampler: SamplerSettings, nfe: int) -> SamplerSettings:
    """The sampler with as many steps as nfe network evaluations allow."""
    one = replace(sampler, steps=1000).evaluations / 1000
    return replace(sampler, steps=max(1, round(nfe / one)))


@cache
def settings_of(method: type[Method], plain: type[SamplerSettings]) -> type[SamplerSettings]:
    """The class `plain` with the settings of a method, which for ours is `plain` itself."""
    if issubclass(plain, method.Settings) or not fields(method.Settings):
        return plain
    name = f"{method.__name__}{plain.__name__}"
    kind = make_dataclass(name, [], bases=(plain, method.Settings), namespace={"plain": plain}, frozen=True)
    kind.__doc__ = f"{plain.__name__} with those of {method.name}."
    return kind
