"""Reward-weighted fine-tuning: draw, score, keep the best, train on them in proportion to exp(reward / temperature).

Reward-weighted regression (Peters and Schaal 2007, doi:10.1145/1273496.1273590) with a replay buffer. It needs no
log-probabilities, and so takes any model and any process. A share of each batch is what the untouched model drew, or
comes from a data set: without it a model forgets all but its best draws.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from nucleate.cell import Cell
from nucleate.data.buckets import split_by_edges
from nucleate.data.dataset import Dataset
from nucleate.errors import TrainingError
from nucleate.files import parse_json, write_whole
from nucleate.geometry.noise import Noise
from nucleate.rewards.shapes import Numbers
from nucleate.streams import LEARNING, TRAINING
from nucleate.tuning.base import Base, cells_of
from nucleate.tuning.buffer import Buffer
from nucleate.tuning.cells import cell_of, plain, table_for
from nucleate.tuning.learner import Drawn, Learner, mean_of
from nucleate.tuning.settings import TuneSettings, WeightedSettings

POOL = "base.json"


class RewardWeighted(Learner):
    """Trains on the best draws so far.

    Attributes:
        buffer: these.
        data: data set folder whose training split stands for draws of the base; None for draws.
    """

    name = "weighted"
    Settings: ClassVar[type[TuneSettings]] = WeightedSettings
    settings: WeightedSettings

    def __init__(self, base: Base, settings: Any, run: Path, data: Path | None = None) -> None:
        super().__init__(base, settings, run)
        self.data = data
        self.buffer = Buffer(settings.buffer, settings.per_formula, settings.per_system)
        self._pool: list[Cell] | None = None

    def draw(self, number: int) -> Drawn:
        self.pool()
        seed = self.seed(number)
        asked = self.base.requests(self.settings.draws, seed)
        return Drawn(cells_of(self.base.drawn(asked, self.sampler(), seed)))

    def learn(self, number: int, drawn: Drawn, values: Numbers) -> dict[str, float]:
        self.buffer = self.buffer.with_draws(drawn.cells, values)
        said = {"buffer": float(len(self.buffer)), "buffer_mean": float(np.mean(self.buffer.values or [0.0]))}
        if not len(self.buffer):
            return said
        self.model.train()
        steps = [self._step(number, step) for step in range(self.settings.steps)]
        self.model.eval()
        return said | mean_of(steps)

    def memory(self) -> Any:
        return self.buffer.to_plain()

    def recall(self, memory: Any) -> None:
        self.buffer = self.buffer.recalled(memory)

    def pool(self) -> list[Cell]:
        """What the untouched model draws, made before the first round and kept in a file; or crystals of the data."""
        if self._pool is None:
            path = self.run / POOL
            if self.data is not None:
                self._pool = self._of_data(self.data)
            elif path.exists():
                said = parse_json(path.read_bytes())
                self._pool = [cell for one in said if (cell := cell_of(one)) is not None]
            else:
                self._pool = self._drawn_pool()
                write_whole(path, json.dumps([plain(cell) for cell in self._pool]))
        return self._pool

    def _drawn_pool(self) -> list[Cell]:
        if not self.settings.base_share:
            return []
        seed = self.seed(0)
        asked = self.base.requests(self.settings.base_draws, seed)
        return [cell for cell in cells_of(self.base.drawn(asked, self.sampler(), seed)) if cell is not None]

    def _of_data(self, data: Path) -> list[Cell]:
        table = Dataset.open(data).split("train")
        rows = LEARNING.generator(self.settings.seed, 0, 0).permutation(len(table))
        return [table.cell(int(row)) for row in rows[: self.settings.base_draws]]

    def _step(self, number: int, step: int) -> dict[str, float]:
        """One optimiser step on a batch of the buffer and the pool."""
        settings, rng = self.settings, LEARNING.generator(self.settings.seed, number, step)
        old = round(settings.base_share * settings.batch) if self.pool() else 0
        cells = self.buffer.shown(settings.batch - old, settings.temperature, rng)
        cells += [self.pool()[row] for row in rng.integers(len(self.pool()), size=old)] if old else []
        place = (number - 1) * settings.steps + step
        loss, parts = losses_of(self, cells, place)
        loss.backward()
        norm = self.step()
        return {"loss": float(loss.detach()), "gradient_norm": norm, **parts}


def losses_of(learner: Learner, cells: Sequence[Cell], step: int) -> tuple[torch.Tensor, dict[str, float]]:
    """The mean loss of the model on some crystals under the noise of a step, and its parts; a function of the seed."""
    model, seed, device = learner.model, learner.settings.seed, learner.device
    examples = model.examples(table_for(model, cells), device)
    if not examples.ids:
        raise TrainingError("the model can learn from none of the best crystals", "ask for others")
    count, edges = len(examples.ids), learner.recipe.training.edges
    drawn = {name: values.to(device) for name, values in model.drawn(seed, step, count).items()}
    keys = Noise.of(seed, torch.arange(count, device=device)).at(TRAINING.step(step)).keys
    total, parts = torch.zeros((), device=device), {}
    for rows in split_by_edges(np.argsort(examples.sizes, kind="stable"), examples.sizes, edges):
        index = torch.from_numpy(rows).to(device)
        tensors = examples.tensors(index, int(examples.sizes[rows].max()))
        losses = model(**tensors, **{name: values[index] for name, values in drawn.items()}, keys=keys[index])
        total = total + model.total(losses).sum() / count
        for name, loss in losses.items():
            parts[name] = parts.get(name, 0.0) + float(loss.detach().sum()) / count
    return total, parts
