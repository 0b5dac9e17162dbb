"""Group-relative policy gradients on the steps of a sampler (DDPO, Black et al. 2023, arXiv 2305.13301; Flow-GRPO, Liu
et al. 2025, arXiv 2505.05470).

A draw is a chain of steps, each with a probability under the model. What is asked of a crystal before it is drawn, its
number of atoms or its formula, makes its group. A step counts with the ratio of its probability to that before the
round. Quantities that the sampler does not draw but follow, such as coordinates under `multistep`, are the rest of the
world to the policy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from nucleate.errors import ModelError
from nucleate.model.crystal_model import CrystalModel
from nucleate.recipes.base import Recipe
from nucleate.recipes.contract import AnyRecipe
from nucleate.rewards.shapes import Numbers
from nucleate.sampling.request import Request
from nucleate.sampling.settings import SamplerSettings
from nucleate.settings import within
from nucleate.streams import LEARNING
from nucleate.tuning.base import Base
from nucleate.tuning.learner import Drawn, Learner, mean_of
from nucleate.tuning.objective import advantages, clipped, distance
from nucleate.tuning.settings import PolicySettings, TuneSettings
from nucleate.tuning.steps import Chain, chains, drawn_channels, log_step


class StepPolicy(Learner):
    """Trains the steps of a sampler.

    Attributes:
        channels: names of the processes whose steps have probabilities.
    """

    name = "policy"
    Settings: ClassVar[type[TuneSettings]] = PolicySettings
    settings: PolicySettings
    keeps_base = True

    def __init__(self, base: Base, settings: Any, run: Path) -> None:
        if not isinstance(base.model, CrystalModel):
            raise ModelError(
                f"{base.name} draws no crystals step by step from noise",
                "take --method weighted; for Wyckoff sequences --method sequences",
            )
        super().__init__(base, settings, run)
        within(settings, 2, settings.draws, "group", "tune.")
        self.channels = drawn_channels(base.model, self.sampler())
        self._chains: tuple[int, list[Chain]] | None = None

    @property
    def _own(self) -> CrystalModel:
        assert isinstance(self.model, CrystalModel)
        return self.model

    def sampler(self) -> SamplerSettings:
        method, nfe = self.settings.sampler, self.settings.nfe or None
        return self.base.generator.settings_by(method=None if method == "own" else method, nfe=nfe)

    @property
    def recipe(self) -> AnyRecipe:
        """With the sampler that was tuned."""
        own = self.base.recipe
        return replace(own, sampler=self.sampler()) if isinstance(own, Recipe) else own

    def asked(self, number: int) -> list[Request]:
        """Requests of a round, group by group."""
        seed, size = self.seed(number), self.settings.group
        each = self.base.requests(max(1, self.settings.draws // size), seed)
        return [replace(one, sample=place * size + i) for place, one in enumerate(each) for i in range(size)]

    def draw(self, number: int) -> Drawn:
        asked = self.asked(number)
        found = chains(self._own, asked, self.sampler(), self.seed(number))
        self._chains = (number, found)
        cells: list[Any] = [None] * len(asked)
        for chain in found:
            for row, cell in zip(chain.rows.tolist(), chain.crystals.cells(), strict=True):
                cells[row] = cell
        return Drawn(cells)

    def learn(self, number: int, drawn: Drawn, values: Numbers) -> dict[str, float]:
        if self._chains is None or self._chains[0] != number:
            self.draw(number)  # a round that was measured before a break: the same draws again
        assert self._chains is not None
        found, self._chains = self._chains[1], None
        groups = np.arange(len(values)) // self.settings.group
        worth = torch.from_numpy(advantages(values, groups)).float().to(self.device)
        parts = list(self._parts(number, found))
        with torch.no_grad():
            before = [self._logs(self._own, *part) for part in parts]
            assert isinstance(self.untouched, CrystalModel)
            base = [self._logs(self.untouched, *part) for part in parts]
        said: list[dict[str, float]] = []
        for _ in range(self.settings.passes):
            for part, old, still in zip(parts, before, base, strict=True):
                said.append(self._step(part, old, still, worth[part[0].rows[part[1]]]))
        return mean_of(said)

    def _parts(self, number: int, found: list[Chain]) -> Iterator[tuple[Chain, np.ndarray, np.ndarray]]:
        """Some draws of a chain, and the steps that are learned from, for each optimiser step."""
        for place, chain in enumerate(found):
            rng = LEARNING.generator(self.settings.seed, number, place)
            order, last = rng.permutation(len(chain.rows)), len(chain.times) - 1
            for start in range(0, len(order), self.settings.batch):
                times = rng.permutation(last)[: self.settings.times or last]
                yield chain, order[start : start + self.settings.batch], np.sort(times)

    def _logs(
        self, model: CrystalModel, chain: Chain, rows: np.ndarray, times: np.ndarray
    ) -> list[torch.Tensor]:
        settings = self.sampler()
        return [log_step(model, chain, int(k), rows, self.channels, settings) for k in times]

    def _step(
        self, part: tuple[Chain, np.ndarray, np.ndarray], old: list[torch.Tensor], base: list[torch.Tensor],
        worth: torch.Tensor,
    ) -> dict[str, float]:  # fmt: skip
        """One optimiser step; gradients are summed step by step of the chain, so that memory holds one of them."""
        chain, rows, times = part
        settings, gains, away = self.sampler(), 0.0, 0.0
        for place, k in enumerate(times):
            new = log_step(self._own, chain, int(k), rows, self.channels, settings)
            gain = clipped(new, old[place], worth, self.settings.ratio).mean()
            apart = distance(new, base[place]).mean()
            ((gain + self.settings.kl * apart) / len(times)).backward()
            gains, away = gains - float(gain.detach()), away + float((new - base[place]).mean().detach())
        return {"objective": gains / len(times), "kl": away / len(times), "gradient_norm": self.step()}
