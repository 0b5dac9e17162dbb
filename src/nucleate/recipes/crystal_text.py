"""Texts of large language models (Gruver et al. 2024, arXiv 2402.04379), learned by a small GPT from scratch.

The text, the random translations, the prompts with properties and the masked elements are the published ones; the paper
fine-tunes LLaMA-2 on them, which `crystal-text-llm` does with any causal model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from nucleate.families.crystal_text.adapted import AdaptedTrainable
from nucleate.families.crystal_text.adapted_generator import AdaptedGenerator, AdaptedSampling
from nucleate.families.crystal_text.generator import TextGenerator, TextSampling
from nucleate.families.crystal_text.trainable import TextTrainable
from nucleate.families.crystal_text.vocabulary import text_vocabulary
from nucleate.families.language.gpt import GPT, GPTSettings
from nucleate.recipes.contract import AnyRecipe
from nucleate.sampling.generator import Task
from nucleate.settings import within
from nucleate.training.settings import TrainingSettings


@dataclass(frozen=True)
class CrystalText(AnyRecipe):
    """Settings of a small language model of these texts.

    Attributes:
        name: of the recipe.
        gpt: sizes of the network.
        conditions: properties of the data set that prompts tell.
        training: how it is trained; its loss is nats for each word.
        sampler: how texts are drawn.
    """

    name: str = "crystal-text"
    gpt: GPTSettings = field(default_factory=lambda: GPTSettings(384, 8, 6, 700, 0.1))
    conditions: tuple[str, ...] | None = None
    training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(
            epochs=100, batch=128, slices=2, learning_rate=1e-3, weight_decay=0.1, schedule="cosine", warmup=100,
            clip=1.0,
        )
    )  # fmt: skip
    sampler: TextSampling = field(default_factory=TextSampling)

    @property
    def task(self) -> Task:
        return "dng"

    def build(self) -> TextTrainable:
        names = self.conditions or ()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.training.seed)
            return TextTrainable(GPT(self.gpt, len(text_vocabulary(names))), names)

    def generator(
        self, model: TextTrainable, card: Mapping[str, Any], name: str, identity: str
    ) -> TextGenerator:
        return TextGenerator(name, identity, model, self.sampler, card)

    def facts(self) -> dict[str, str]:
        return {"sampler": f"temperature {self.sampler.temperature:g}, top-p {self.sampler.top_p:g}"}


@dataclass(frozen=True)
class CrystalTextLLM(AnyRecipe):
    """Settings of an adapter on a large language model; the defaults are the published ones, but for 8-bit weights.

    Attributes:
        name: of the recipe.
        folder: of the causal model, as transformers saves it; it has to stay where it is.
        rank: of the adapter's matrices.
        alpha: their scale is alpha / rank.
        dropout: share of their inputs set to zero in training.
        conditions: properties of the data set that prompts tell.
        training: how it is trained; its loss is nats for each word.
        sampler: how answers are drawn.
    """

    name: str = "crystal-text-llm"
    folder: str = ""
    rank: int = 8
    alpha: float = 32.0
    dropout: float = 0.05
    conditions: tuple[str, ...] | None = None
    training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(
            epochs=10, batch=1, slices=1, learning_rate=1e-4, weight_decay=0.0, schedule="cosine", warmup=100,
        )
    )  # fmt: skip
    sampler: AdaptedSampling = field(default_factory=AdaptedSampling)

    def __post_init__(self) -> None:
        within(self, 1, 4096, "rank")
        within(self, 1e-3, 1e6, "alpha")
        within(self, 0, 0.99, "dropout")

    @property
    def task(self) -> Task:
        return "dng"

    def build(self) -> AdaptedTrainable:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.training.seed)
            return AdaptedTrainable(self.folder, self.rank, self.alpha, self.dropout, self.conditions or ())

    def generator(
        self, model: AdaptedTrainable, card: Mapping[str, Any], name: str, identity: str
    ) -> AdaptedGenerator:
        return AdaptedGenerator(name, identity, model, self.sampler, card)

    def facts(self) -> dict[str, str]:
        return {"model": self.folder, "rank": str(self.rank)}


_full = CrystalText()
_tiny = replace(
    _full, name="crystal-text-tiny", gpt=GPTSettings(128, 4, 4, 700, 0.0),
    training=replace(
        _full.training, batch=64, epochs=30, learning_rate=2e-3, precision="32-true", validate_every=200,
        checkpoint_every=100, ema=0.995,
    ),
)  # fmt: skip

RECIPES = (_full, _tiny, CrystalTextLLM())
