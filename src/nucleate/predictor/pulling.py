"""Predictors that pull draws towards values: what is asked, and the predictors that carry it out.

A shipped predictor called `-first` pulls where none is named, so that the one called `-second`, from other labels, can
judge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from nucleate.energies.potential import Potential
from nucleate.energies.potentials import REGISTRY
from nucleate.errors import FormulaError, ModelError
from nucleate.predictor.find import shipped_models
from nucleate.predictor.property import LoadedProperty, load_property
from nucleate.properties.energy import ENERGY, START
from nucleate.properties.pulls import Pulls
from nucleate.runs.model_folder import read_card
from nucleate.sampling.generator import Generator
from nucleate.sampling.pull import Pull, View
from nucleate.sampling.targets import named, weight_of

GUIDES, JUDGES = "-first", "-second"
"""How the names of the shipped predictors end that pull by default, and that judge."""


@dataclass(frozen=True)
class Pulling:
    """What predictors pull towards.

    Attributes:
        towards: a value, `max` or `min` for each property.
        pull: weights by name; with (weight, from, to) between two times.
        on: ask about the `clean` crystal that the model expects, or the `noised` one.
        predictors: names or folders; of properties without one, those of the package.
    """

    towards: Mapping[str, Any] = field(default_factory=dict)
    pull: Mapping[str, Any] = field(default_factory=dict)
    on: View = "clean"
    predictors: Sequence[str | Path] = ()

    def __post_init__(self) -> None:
        named("towards", self.towards)
        named("pull", self.pull)

    def on_generator(self, generator: Generator, beyond: bool) -> tuple[Pull, ...]:
        """The pulls, with their predictors beside the generator. Raises FormulaError and ModelError for what can't be
        asked. beyond: values may lie outside all labels."""
        for name in self.pull:
            if name not in self.towards:
                raise FormulaError(
                    f"a pull of {name}, which is drawn towards nothing", f"give --towards {name}=VALUE too"
                )
        known = self._by_property()
        if not self.towards:
            return ()
        if not generator.pullable:
            raise ModelError(
                f"{generator.name} can't be steered by a predictor", "take a diffusion model for this"
            )
        guides = generator.guides = Pulls()
        return tuple(self._pull(name, asked, known, guides, beyond) for name, asked in self.towards.items())

    def _pull(
        self, name: str, asked: Any, known: Mapping[str, LoadedProperty], guides: Pulls, beyond: bool
    ) -> Pull:
        """One pull, with what predicts among the guides."""
        if name == ENERGY and name not in known:
            potential = self._potential()
            guides.potentials[potential.identity] = potential
            pull = Pull(name, lowest(asked), start=START, on=self.on, predictor=potential.identity)
        else:
            one = known.get(name) or shipped_guide(name)
            guides.models[one.checksum] = one.model
            pull = Pull(name, aim_of(name, asked, one, beyond), on=self.on, predictor=one.checksum)
        if name not in self.pull:
            return pull
        weight, start, stop = weight_of(name, self.pull[name], "pull")
        timed = isinstance(self.pull[name], tuple | list) or "@" in str(self.pull[name])
        return replace(pull, weight=weight, start=start if timed else pull.start, stop=stop)

    def _potential(self) -> Potential:
        """The one that is named, or CHGNet. Raises MissingPackageError where it is not installed."""
        named = [str(name) for name in self.predictors if str(name) in REGISTRY]
        if len(named) > 1:
            raise ModelError(f"two potentials are named, {' and '.join(named)}", "name one of them")
        potential = REGISTRY[named[0] if named else "chgnet"]
        potential.calculator()
        return potential

    def _loaded(self, name: str | Path) -> LoadedProperty:
        """The predictor of this name. Raises ModelError, which names potentials where an energy is asked for."""
        try:
            return load_property(name)
        except ModelError as error:
            if ENERGY not in self.towards:
                raise
            hint = f"{error.hint}; potentials: {', '.join(REGISTRY)}"
            raise ModelError(error.message, hint) from None

    def _by_property(self) -> dict[str, LoadedProperty]:
        """The named predictors by what they predict; potentials are no such predictors."""
        found: dict[str, LoadedProperty] = {}
        for name in self.predictors:
            if str(name) in REGISTRY:
                if ENERGY not in self.towards:
                    raise FormulaError(
                        f"{name} is a potential, and nothing is drawn towards a low energy",
                        f"give --towards {ENERGY}=min too, or leave --predictor out",
                    )
                continue
            one = self._loaded(name)
            if one.target in found:
                raise ModelError(f"two predictors of {one.target} are named", "name one of them")
            if one.target not in self.towards:
                raise FormulaError(
                    f"{one.name} predicts {one.target}, which is drawn towards nothing",
                    f"give --towards {one.target}=VALUE too, or leave --predictor out",
                )
            found[one.target] = one
        return found


def aim_of(name: str, asked: Any, predictor: LoadedProperty, beyond: bool) -> Any:
    """A number, `max` or `min`. Raises FormulaError for anything else, and for a number outside all labels."""
    text = str(asked).strip()
    if text in ("max", "min"):
        return text
    try:
        aim = float(text)
    except ValueError:
        aim = float("nan")
    if aim != aim or abs(aim) == float("inf"):
        raise FormulaError(f"nothing is drawn towards {name}={asked}", "give a number, max or min")
    low, high = predictor.model.ends
    if not (beyond or low <= aim <= high):
        raise FormulaError(
            f"{name} = {aim:g} lies outside all labels that {predictor.name} has seen",
            f"they go from {low:g} to {high:g}; ask beyond them with --beyond (beyond=True in Python)",
        )
    return aim


def lowest(asked: Any) -> Any:
    """`min`, all that a potential pulls energies to. Raises FormulaError for anything else."""
    if str(asked).strip() != "min":
        raise FormulaError(
            f"a potential pulls to less energy, and not towards {ENERGY}={asked}",
            f"write {ENERGY}=min, or name a predictor of {ENERGY} with --predictor",
        )
    return "min"


def shipped_guide(name: str) -> LoadedProperty:
    """The predictor of the package that pulls a property by default. Raises ModelError where there is none."""
    known = shipped(GUIDES)
    if name not in known:
        raise ModelError(
            f"no predictor of '{name}' is named",
            f"name one with --predictor, or draw towards {', '.join(known)}, whose predictors are in the package",
        )
    return load_property(known[name])


@cache
def shipped(ending: str) -> dict[str, str]:
    """Names of the predictors in the package with this ending, by what they predict."""
    found = {}
    for name, folder in shipped_models().items():
        if name.endswith(ending) and read_card(folder / "card.json")["task"] == "property":
            found[load_property(name).target] = name
    return found


def shipped_judges() -> dict[str, str]:
    """Names of those that judge."""
    return shipped(JUDGES)
