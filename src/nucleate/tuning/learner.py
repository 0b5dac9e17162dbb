"""What every way to learn from rewards does: draw a round, learn from it, keep what it needs to go on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from nucleate.cell import Cell
from nucleate.errors import TrainingError
from nucleate.model.trainable import Trainable
from nucleate.recipes.contract import AnyRecipe
from nucleate.rewards.shapes import Numbers
from nucleate.settings import MOST_SEED
from nucleate.streams import ROUNDS
from nucleate.tuning.base import Base
from nucleate.tuning.low_rank import adapt
from nucleate.tuning.settings import TuneSettings


@dataclass(frozen=True)
class Drawn:
    """The draws of a round.

    Attributes:
        cells: None where there is no crystal.
        origins: what each came from, plain values.
    """

    cells: list[Cell | None]
    origins: list[dict[str, Any]] = field(default_factory=list)


class Learner(ABC):
    """One way to learn from rewards.

    Attributes:
        name: by which it is asked for.
        Settings: class of its settings.
        base: what it started from; the model in it is what is trained.
        settings: those of this run.
        untouched: the model as it was, where `keeps_base` says that it is needed.
        optimiser: of the weights that are trained.
    """

    name: ClassVar[str]
    Settings: ClassVar[type[TuneSettings]]
    keeps_base: ClassVar[bool] = False

    def __init__(self, base: Base, settings: Any, run: Path) -> None:
        """run: folder where what is made once may be kept."""
        self.base, self.settings, self.run = base, settings, run
        self.model: Trainable = base.model.eval()
        self.untouched = deepcopy(self.model).requires_grad_(False) if self.keeps_base else self.model
        if settings.rank:
            adapt(self.model, settings.rank, settings.seed)
        else:
            self.model.requires_grad_(True)
        self.trained = {name: p for name, p in self.model.named_parameters() if p.requires_grad}
        self.optimiser = torch.optim.AdamW(self.trained.values(), settings.learning_rate, weight_decay=0.0)

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.model.parameters()).device

    @property
    def recipe(self) -> AnyRecipe:
        """Of the tuned model's folder."""
        return self.base.recipe

    def sampler(self) -> Any:
        """Settings of the draws."""
        nfe = self.settings.nfe
        return self.base.generator.settings_by(nfe=nfe) if nfe else self.base.generator.settings

    def card(self) -> dict[str, Any]:
        """What the tuned model's card says besides that of the base."""
        return {}

    def seed(self, number: int) -> int:
        """Of the draws of a round."""
        return int(ROUNDS.generator(self.settings.seed, number).integers(MOST_SEED))

    @abstractmethod
    def draw(self, number: int) -> Drawn:
        """The draws of a round, by its number."""

    @abstractmethod
    def learn(self, number: int, drawn: Drawn, values: Numbers) -> dict[str, float]:
        """Learn from a round and its rewards; returns losses and the like by name."""

    def memory(self) -> Any:
        """What it remembers between rounds besides weights, as plain values."""
        return None

    def recall(self, memory: Any) -> None:  # noqa: B027 - most remember nothing
        """Inverse of `memory`."""

    def step(self) -> float:
        """An optimiser step with the gradients that are there; returns their norm. Raises TrainingError where it is no
        number."""
        norm = float(torch.nn.utils.clip_grad_norm_(list(self.trained.values()), self.settings.clip))
        if not np.isfinite(norm):
            raise TrainingError(
                f"the gradients of a step of tuning are not finite (norm {norm})",
                "take a lower learning_rate; the run goes on from its last whole round",
            )
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return norm


def mean_of(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """The mean of each number over steps."""
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]} if rows else {}
