"""Policy gradients for Wyckoff sequences: they choose space group, sites and elements, and a structure model that stays
as it is draws cell and places.

The likelihood of a sequence is exact, and what most rewards hang on is decided by it (arXiv 2609.33407 does so with
compositions before a frozen structure model).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from nucleate.elements import ATOMIC_NUMBERS
from nucleate.errors import ModelError
from nucleate.families.wyckoff.diffused import DiffusedSampling, SequenceDiffusion
from nucleate.families.wyckoff.draw import Choice, draw
from nucleate.families.wyckoff.generator import words
from nucleate.families.wyckoff.likelihood import log_probability
from nucleate.families.wyckoff.prompt import Prompt
from nucleate.families.wyckoff.trainable import WyckoffTrainable
from nucleate.predictor.find import find_model, label, shipped_models
from nucleate.predictor.joining import DRAWS_WITH
from nucleate.predictor.sequences import DIFFUSION, NAME, SEQUENCES, joined
from nucleate.rewards.shapes import Numbers
from nucleate.runs.model_folder import load_model
from nucleate.streams import LEARNING
from nucleate.symmetry.sites import Sites
from nucleate.tuning.base import Base, cells_of
from nucleate.tuning.learner import Drawn, Learner, mean_of
from nucleate.tuning.objective import advantages, clipped, distance
from nucleate.tuning.settings import SequencesSettings, TuneSettings


def sequences_base(name: str | Path, structures: str | None, device: str = "auto") -> Base:
    """Sequences with a structure model as what is tuned.

    Args:
        name: model of Wyckoff sequences, or `wyckoff-mp20` for the shipped one.
        structures: the structure model; None for what the sequences were tuned with, or the shipped symmetric one.

    Raises ModelError for models of other kinds.
    """
    name = SEQUENCES if str(name) == NAME else str(name)
    folder = find_model(name)
    model, recipe, card = load_model(folder)
    if not isinstance(model, WyckoffTrainable):
        raise ModelError(
            f"{name} is no model of Wyckoff sequences",
            f"name {NAME} or {SEQUENCES}, or take --method weighted",
        )
    with_ = structures or card.get(DRAWS_WITH, {}).get("name", DIFFUSION)
    generator = joined(folder, with_, device, name=label(name, folder))
    generator.sequences.model = model
    if with_ not in shipped_models() and Path(with_).exists():
        with_ = str(Path(with_).resolve())
    return Base(label(name, folder), folder, generator, model, recipe, card, structures=with_)


class SequencePolicy(Learner):
    """Trains the sequences.

    Attributes:
        untouched: the sequences as they were.
    """

    name = "sequences"
    Settings: ClassVar[type[TuneSettings]] = SequencesSettings
    settings: SequencesSettings
    keeps_base = True

    @property
    def generator(self) -> SequenceDiffusion:
        """Sequences and structures."""
        assert isinstance(self.base.generator, SequenceDiffusion)
        return self.base.generator

    def sampler(self) -> DiffusedSampling:
        """Draws from the sequences as they are, each once: what is not usable is a draw without a reward."""
        own = self.generator.settings
        return replace(own, temperature=1.0, top_p=1.0, tries=1, nfe=self.settings.nfe or own.nfe)

    def card(self) -> dict[str, Any]:
        return {DRAWS_WITH: {"name": self.base.structures, "weights": self.generator.diffusion.identity}}

    def draw(self, number: int) -> Drawn:
        seed, model = self.seed(number), self.model
        assert isinstance(model, WyckoffTrainable)
        asked = self.base.requests(self.settings.draws, seed)
        keys = torch.tensor([request.key for request in asked])
        # The generator draws the same sequences, but gives them in canonical form.
        found = draw(model.network, [Prompt()] * len(asked), keys, seed, model.most, Choice())
        origins = [
            {"space_group": sites.number, "sites": words(sites), "log_likelihood": likelihood}
            for sites, likelihood in found
        ]
        return Drawn(cells_of(self.base.drawn(asked, self.sampler(), seed)), origins)

    def learn(self, number: int, drawn: Drawn, values: Numbers) -> dict[str, float]:
        every = [sites_of(one) for one in drawn.origins]
        old = torch.tensor([one["log_likelihood"] for one in drawn.origins], dtype=torch.float64)
        worth = torch.from_numpy(advantages(values, np.zeros(len(values))))
        with torch.no_grad():
            base = self._log(self.untouched, every)
        said: list[dict[str, float]] = []
        for turn in range(self.settings.passes):
            order = LEARNING.generator(self.settings.seed, number, turn).permutation(len(every))
            for start in range(0, len(every), self.settings.batch):
                rows = order[start : start + self.settings.batch]
                said.append(self._step(rows, every, old, base, worth))
        return mean_of(said)

    def _step(
        self, rows: np.ndarray, every: list[Sites], old: torch.Tensor, base: torch.Tensor, worth: torch.Tensor
    ) -> dict[str, float]:
        """One optimiser step on some of the draws."""
        new = self._log(self.model, [every[row] for row in rows])
        gain = clipped(new, old[rows], worth[rows], self.settings.ratio).mean()
        away = distance(new, base[rows]).mean()
        (gain + self.settings.kl * away).backward()
        return {
            "objective": -float(gain.detach()),
            "kl": float((new - base[rows]).mean().detach()),
            "gradient_norm": self.step(),
        }

    def _log(self, model: Any, every: list[Sites]) -> torch.Tensor:
        return log_probability(model.network, every, [Prompt()] * len(every), model.most)


def sites_of(origin: Mapping[str, Any]) -> Sites:
    """The sites that `words` wrote."""
    pairs = [one.split(":") for one in origin["sites"].split()]
    letters, symbols = zip(*pairs, strict=True)
    return Sites(origin["space_group"], letters, tuple(ATOMIC_NUMBERS[symbol] for symbol in symbols))
