"""`wyckoff-sequences`: an autoregressive model of space groups, Wyckoff positions and elements.

After WyFormer (Kazeev et al., arXiv:2503.02407) and CrystalFormer (Cao et al., arXiv:2403.15734): their tokens and
masks, with prompts that are always answered, and cells and places left to others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from nucleate.families.wyckoff.generator import WyckoffGenerator, WyckoffSampling
from nucleate.families.wyckoff.network import WyckoffNetwork, WyckoffNetworkSettings
from nucleate.families.wyckoff.trainable import WyckoffTrainable
from nucleate.families.wyckoff.vocabulary import MOST_ATOMS
from nucleate.recipes.contract import AnyRecipe
from nucleate.sampling.generator import Task
from nucleate.settings import within
from nucleate.training.settings import TrainingSettings


@dataclass(frozen=True)
class WyckoffSequences(AnyRecipe):
    """Settings of a model of Wyckoff sequences.

    Attributes:
        name: of the recipe.
        most: atoms in the primitive cell; larger crystals of the data are left out.
        transformer: sizes of the network.
        training: how it is trained; its losses are nats for each crystal.
        sampler: how crystals are drawn.
    """

    name: str = "wyckoff-sequences"
    most: int = 20
    transformer: WyckoffNetworkSettings = field(default_factory=WyckoffNetworkSettings)
    training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(
            epochs=60, batch=128, slices=1, learning_rate=1.5e-3, weight_decay=0.1, schedule="cooldown", cooldown=0.4,
            warmup=200, clip=1.0, precision="32-true",
        )
    )  # fmt: skip
    sampler: WyckoffSampling = field(default_factory=WyckoffSampling)

    def __post_init__(self) -> None:
        within(self, 1, MOST_ATOMS, "most")

    @property
    def task(self) -> Task:
        return "dng"

    def build(self) -> WyckoffTrainable:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.training.seed)
            return WyckoffTrainable(WyckoffNetwork(self.transformer), self.most)

    def generator(
        self, model: WyckoffTrainable, card: Mapping[str, Any], name: str, identity: str
    ) -> WyckoffGenerator:
        return WyckoffGenerator(name, identity, model, self.sampler, card)

    def facts(self) -> dict[str, str]:
        return {"sampler": f"temperature {self.sampler.temperature:g}, top-p {self.sampler.top_p:g}"}


RECIPES = (WyckoffSequences(),)
