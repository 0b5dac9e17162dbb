"""The recipe of an adapter: layers for conditions beside a model that stays as it is (`nucleate.runs.adapter`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nucleate.data.conditions import described
from nucleate.data.described import Described, Descriptions
from nucleate.data.table import CrystalTable
from nucleate.errors import ModelError, RecipeError
from nucleate.model.trainable import Trainable
from nucleate.networks.base import OWN
from nucleate.recipes.contract import AnyRecipe
from nucleate.sampling.generator import Generator, Task
from nucleate.training.settings import TrainingSettings

KIND = "adapter"
"""What recipe.toml calls an adapter: no recipe has this name."""


def adapter_training() -> TrainingSettings:
    """Of some hundred thousand weights that start at nothing."""
    return TrainingSettings(
        epochs=100, batch=64, learning_rate=2e-3, schedule="cooldown", warmup=100, clip=1.0, ema=0.995
    )


@dataclass(frozen=True)
class AdapterRecipe(AnyRecipe):
    """Settings of an adapter.

    Attributes:
        name: always `adapter`.
        adapter: its own name.
        base: name of the model that it belongs to.
        checksum: of that model's weights.
        invents: whether that model invents compositions.
        conditions: names of the properties that it tells the network.
        described: how these are read.
        training: how it is trained.
    """

    name: str = KIND
    adapter: str = ""
    base: str = ""
    checksum: str = ""
    invents: bool = True
    conditions: tuple[str, ...] | None = None
    described: Descriptions | None = None
    training: TrainingSettings = field(default_factory=adapter_training)

    @property
    def task(self) -> Task:
        return "dng" if self.invents else "csp"

    def described_by(self, train: CrystalTable) -> AdapterRecipe:
        each = tuple((name, described(train, name)) for name in self.conditions or ())
        return replace(self, described=Descriptions(each))

    @property
    def told(self) -> tuple[tuple[str, Described], ...]:
        """Its conditions and how they are read."""
        return (self.described or Descriptions()).of(self.conditions or ())

    def build(self) -> Trainable:
        raise ModelError(*self._alone())

    def generator(self, model: Any, card: Mapping[str, Any], name: str, identity: str) -> Generator:
        raise ModelError(*self._alone())

    def _alone(self) -> tuple[str, str]:
        return (
            f"'{self.adapter}' is an adapter of {self.base} and no model by itself",
            f"name it beside its model: --model {self.base} --adapter FOLDER",
        )


def adapter_recipe(
    name: str,
    base: str,
    checksum: str,
    of: AnyRecipe,
    conditions: tuple[str, ...],
    training: TrainingSettings,
) -> AdapterRecipe:
    """The recipe of an adapter of the model that `of` made, whose atoms stand in the order that this one has learned.

    Raises RecipeError for a name that can't stand in a file.
    """
    if not name.replace("-", "_").isidentifier() or name == OWN:
        raise RecipeError(f"an adapter can't be called '{name}'", "take a word, such as tc")
    if len(set(conditions)) < len(conditions):
        raise RecipeError(f"conditions must not repeat a property; got {list(conditions)}", "name each once")
    invents, training = of.task == "dng", replace(training, order=of.training.order)
    return AdapterRecipe(
        adapter=name, base=base, checksum=checksum, invents=invents, conditions=conditions, training=training
    )
