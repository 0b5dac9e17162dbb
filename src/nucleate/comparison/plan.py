"""The plan of a comparison: data sets, models, their samplers, seeds and budget."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from nucleate.errors import RecipeError
from nucleate.recipes.base import Recipe
from nucleate.recipes.cross import CELLS, COORDINATES, Cross
from nucleate.recipes.registry import get_recipe
from nucleate.sampling.settings import SamplerSettings

ODE, HEUN, MULTISTEP = (SamplerSettings(method=name) for name in ("ode", "heun", "multistep"))
ANNEALED = {f"ODE, annealed {slope}": replace(ODE, anneal_frac=float(slope)) for slope in (2, 5, 10)}
DIFFUSION = {
    "PC": SamplerSettings(method="pc", corrector="crystal"),
    "EM": SamplerSettings(method="em"),
    "ODE": ODE,
    "Heun": HEUN,
    "multistep": MULTISTEP,
    **ANNEALED,
}
"""PC is KLDM's published sampler, with a corrector step set by each crystal's own score."""
FLOW = {"ODE": ODE, **ANNEALED, "Heun": HEUN, "multistep": MULTISTEP}
EXPLODING = {
    **{
        f"PC, tau {tau}": SamplerSettings(
            method="pc", predictor="em", corrector="expected", corrects="frac", tau=tau
        )
        for tau in (0.02, 0.1, 0.4)
    },
    **{name: sampler for name, sampler in DIFFUSION.items() if name != "PC"},
}
"""The published corrector step is tau = 0.02 for Perov-5 and 0.4 for MP-20."""
SAMPLERS: dict[str, dict[str, SamplerSettings]] = {
    "kinetic": {**DIFFUSION, "PC, one drift": replace(DIFFUSION["PC"], drift_in_corrector=False)},
    "wrapped-normal": EXPLODING,
    "wrapped-normal-circular": EXPLODING,
    "geodesic": FLOW,
    "interpolant": {**FLOW, "EM": SamplerSettings(method="em")},
}  # fmt: skip
"""The samplers tried for each process of the coordinates."""
PLAIN = {
    "kinetic": ("PC", "EM", "ODE", "ODE, annealed 5"),
    "wrapped-normal": ("PC, tau 0.02", "EM", "ODE", "ODE, annealed 5"),
    "wrapped-normal-circular": ("PC, tau 0.02", "EM", "ODE", "ODE, annealed 5"),
    "geodesic": ("ODE", "ODE, annealed 5"),
    "interpolant": ("ODE", "ODE, annealed 5", "EM"),
}
"""The samplers measured where samplers are not compared."""

DIAGONAL = {
    "DiffCSP": "wrapped-normal/ddpm-epsilon",
    "FlowMM": "geodesic/informed-flow",
    "KLDM": "kinetic/vp-x0",
    "OMatG": "interpolant/informed-flow",
}
"""Published models by the names of their parts here."""


@dataclass(frozen=True)
class ComparedModel:
    """One model in a comparison.

    Attributes:
        name: name in tables and folders.
        recipe: its recipe, except for the seed.
        samplers: by name; steps are set by the cost that is asked for.
        plain: names of the samplers measured with every seed.
        swept: whether all samplers are measured at all costs with the first seeds.
    """

    name: str
    recipe: Recipe
    samplers: dict[str, SamplerSettings]
    plain: tuple[str, ...]
    swept: bool = True


@dataclass(frozen=True)
class Plan:
    """Everything that decides the numbers.

    Attributes:
        data: data set folders.
        entries: the models compared.
        seeds: number of training seeds: 0, 1, ...
        epochs, minutes: the training budget of each model; minutes depend on the machine and are not a fair budget.
        nfe: costs at which every sampler is tried.
        swept: number of seeds for this; with the others only the plain samplers, at the largest cost.
        limit: validation crystals with one sample each.
        top: validation crystals with 20 samples each, 0 for none.
        top_nfe: the cost for those.
    """

    data: tuple[Path, ...]
    entries: tuple[ComparedModel, ...]
    seeds: int = 3
    epochs: int | None = 16
    minutes: float | None = None
    nfe: tuple[int, ...] = (10, 20, 50, 100)
    swept: int = 1
    limit: int = 200
    top: int = 100
    top_nfe: int = 50

    def units(self) -> list[Unit]:
        """All models to train, seed by seed, so that an early stop leaves whole seeds."""
        return [
            Unit(data, entry, seed)
            for seed in range(self.seeds)
            for data in self.data
            for entry in self.entries
        ]


@dataclass(frozen=True)
class Unit:
    """One model on one data set with one seed."""

    data: Path
    entry: ComparedModel
    seed: int

    @property
    def recipe(self) -> Recipe:
        recipe = self.entry.recipe
        return replace(recipe, training=replace(recipe.training, seed=self.seed))

    def folder(self, root: Path) -> Path:
        return root / self.data.name / f"{self.entry.name.replace('/', '--')}-seed-{self.seed}"


def cross_entries(names: list[str], base: str, assignments: list[str]) -> tuple[ComparedModel, ...]:
    """Models for pairs `coordinates/cell`; all pairs without names. base: a recipe of the cross.

    Samplers are compared in the first pair of each process of the coordinates, on which the samplers depend.
    """
    recipe = get_recipe(base, assignments)
    if not isinstance(recipe, Cross):
        raise RecipeError(f"'{base}' is not a recipe of the cross", "name cross, cross-tiny or cross-mini")
    pairs = names or [f"{one}/{other}" for one in COORDINATES for other in CELLS]
    first = {name.partition("/")[0]: name for name in reversed(pairs)}
    return tuple(_pair(name, recipe, swept=name in first.values()) for name in pairs)


def _pair(name: str, base: Cross, swept: bool) -> ComparedModel:
    one, _, other = name.partition("/")
    if one not in COORDINATES or other not in CELLS:
        raise RecipeError(
            f"'{name}' is not a pair of processes",
            f"write COORDINATES/CELL with one of {', '.join(COORDINATES)} and one of {', '.join(CELLS)}",
        )
    recipe = replace(base, coordinates=one, cell=other)  # pyright: ignore[reportArgumentType]
    return ComparedModel(name, recipe, SAMPLERS[one], PLAIN[one], swept)


def recipe_entries(names: list[str], assignments: list[str]) -> tuple[ComparedModel, ...]:
    """Models for recipes by name, each with its own sampler and those of the probability flow."""
    found = [one for one in (get_recipe(name, assignments) for name in names) if isinstance(one, Recipe)]
    if len(found) < len(names):
        others = set(names) - {one.name for one in found}
        raise RecipeError(
            f"{', '.join(sorted(others))} can't be compared at equal numbers of network evaluations",
            "name recipes of diffusion models and flows",
        )
    return tuple(
        ComparedModel(one.name, one, {"its own": one.sampler, **FLOW}, ("its own", "ODE")) for one in found
    )
