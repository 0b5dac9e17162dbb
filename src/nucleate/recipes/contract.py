"""What a run, a model folder and the command line ask of any recipe, whatever kind of model it builds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np

from nucleate.cell import Cell
from nucleate.data.described import Descriptions
from nucleate.data.table import CrystalTable
from nucleate.model.trainable import Trainable
from nucleate.sampling.generator import Generator, Task
from nucleate.sampling.rows import answered_rows
from nucleate.training.settings import TrainingSettings


class AnyRecipe(ABC):
    """Settings of a model that can be trained and drawn from; a subclass is a frozen dataclass of them.

    `Recipe` in `nucleate.recipes.base` is that of models made of processes and a network. Other kinds of models have a
    class of their own.

    Attributes:
        name: by which it is found.
        training: how it is trained.
        conditions: properties of the data set that the model is told, by name.
        base: name of another generator that the model starts from; "" for none.
        proposals: crystals that it has drawn for the training data, to train on; "" draws them when a run starts.
        described: how these are read, as a run finds it in its training split.
    """

    name: str
    training: TrainingSettings
    conditions: tuple[str, ...] | None = None
    base: str = ""
    proposals: str = ""
    described: Descriptions | None = None

    @property
    @abstractmethod
    def task(self) -> Task | Literal["property"]:
        """Whether its crystals are of a composition that is given (`csp`) or invented (`dng`).

        `property` for a model that judges crystals and draws none.
        """

    @abstractmethod
    def build(self) -> Trainable:
        """The model with initial weights drawn from `training.seed`. Raises RecipeError where settings don't fit."""

    @abstractmethod
    def generator(self, model: Any, card: Mapping[str, Any], name: str, identity: str) -> Generator:
        """What draws from a model that `build` has made and a run has trained.

        Args:
            card: what it was trained on.
            name: by which files call it.
            identity: checksum of its weights.
        """

    def predicted(self, model: Any, table: CrystalTable, rows: np.ndarray) -> Iterator[Cell | None]:
        """One crystal for the composition of each row, for the match rate in training; None where there is none."""
        return answered_rows(self.generator(model, {}, self.name, ""), table, rows)

    def described_by(self, train: CrystalTable) -> AnyRecipe:
        """The recipe with what it has to know of its training split before it can be built."""
        return self

    def completed(self) -> AnyRecipe:
        """The recipe with all settings that files hold."""
        return self

    def unread(self, group: str) -> str:
        """Why a group of settings is not read, such as "with the network cspnet"; "" where it may be set."""
        return ""

    def facts(self) -> dict[str, str]:
        """What it is, by name, for people."""
        return {}
