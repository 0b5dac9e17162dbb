"""A conditional Wasserstein GAN of crystals with a fixed number of atoms, as an ancestor to compare with.

Published WGAN-GP updates the critic five times for each update of the maker (arXiv 1704.00028); so does the recipe. No
published network is rebuilt: CrystalGAN's (arXiv 1810.11203) was made for hydrides as files of coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from nucleate.families.adversarial.generator import AdversarialGenerator, AdversarialSampling
from nucleate.families.adversarial.model import Adversarial, AdversarialWeights
from nucleate.families.adversarial.networks import Critic, Maker
from nucleate.recipes.contract import AnyRecipe
from nucleate.recipes.memory import check_room
from nucleate.sampling.generator import Task
from nucleate.settings import within
from nucleate.training.settings import TrainingSettings


@dataclass(frozen=True)
class AdversarialRecipe(AnyRecipe):
    """Settings of a GAN.

    Attributes:
        name: of the recipe.
        atoms: in every cell; other crystals of the data are left out.
        noise: numbers that a crystal is made of.
        width: of both networks.
        spectral: normalise the critic's layers.
        critic_steps: updates of the critic for each of the maker, which share the steps of a run. More than one needs
            `--strategy ddp_find_unused_parameters_true` on several devices.
        penalties: weights of the penalties.
        training: how it is trained.
        sampler: how crystals are drawn.
    """

    name: str = "crystal-gan"
    atoms: int = 5
    noise: int = 64
    width: int = 256
    spectral: bool = False
    critic_steps: int = 1
    penalties: AdversarialWeights = field(default_factory=AdversarialWeights)
    training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(
            epochs=200, batch=256, slices=1, learning_rate=5e-4, weight_decay=0.0, schedule="cooldown", ema=0.99,
            precision="32-true",
        )
    )  # fmt: skip
    sampler: AdversarialSampling = field(default_factory=AdversarialSampling)

    def __post_init__(self) -> None:
        within(self, 2, 256, "atoms")
        within(self, 1, 16384, "noise width")
        within(self, 1, 1000, "critic_steps")

    @property
    def task(self) -> Task:
        return "dng"

    def build(self) -> Adversarial:
        check_room(lambda: Maker(self.noise, self.width, self.atoms))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.training.seed)
            maker = Maker(self.noise, self.width, self.atoms)
            critic = Critic(self.width, self.atoms, self.spectral)
        return Adversarial(maker, critic, self.noise, self.atoms, self.penalties, self.critic_steps)

    def generator(
        self, model: Adversarial, card: Mapping[str, Any], name: str, identity: str
    ) -> AdversarialGenerator:
        return AdversarialGenerator(name, identity, model, self.sampler, card)

    def facts(self) -> dict[str, str]:
        return {"sampler": "one network evaluation (NFE) a crystal"}


RECIPES = (AdversarialRecipe(critic_steps=5),)
