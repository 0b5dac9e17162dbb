"""FTCP: an autoencoder of one invertible tensor for each crystal (Ren et al. 2022, arXiv 2005.07609).

Kept as published: the blocks of the tensor, the convolutions, the weights of the losses, draws near known crystals.
Ours: structure factors with phases, one order of atoms, AdamW. `ftcp` has the published sizes, `ftcp-small` is for a
CPU.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from nucleate.families.ftcp.generator import FTCPGenerator, FTCPSampling
from nucleate.families.ftcp.model import FTCP, FTCPWeights
from nucleate.families.ftcp.tensor import Layout
from nucleate.recipes.contract import AnyRecipe
from nucleate.recipes.memory import check_room
from nucleate.sampling.generator import Task
from nucleate.settings import within
from nucleate.training.settings import TrainingSettings


@dataclass(frozen=True)
class FTCPRecipe(AnyRecipe):
    """Settings of FTCP.

    Attributes:
        name: of the recipe.
        most: atoms in a cell; larger crystals of the data are left out.
        elements: different elements in a crystal; crystals of more are left out.
        latent: numbers of a latent vector.
        filters: of the last convolution.
        hidden: width of the dense layer.
        target: column of the data set that a head predicts; "" for none.
        loss_weights: weights of the losses.
        training: how it is trained.
        sampler: how crystals are drawn.
    """

    name: str = "ftcp"
    most: int = 20
    elements: int = 5
    latent: int = 256
    filters: int = 128
    hidden: int = 1024
    target: str = ""
    loss_weights: FTCPWeights = field(default_factory=FTCPWeights)
    training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(
            epochs=200, batch=256, slices=1, learning_rate=5e-4, weight_decay=0.0, schedule="cooldown",
            cooldown=0.5, clip=100.0, precision="32-true",
        )
    )  # fmt: skip
    sampler: FTCPSampling = field(default_factory=FTCPSampling)

    def __post_init__(self) -> None:
        within(self, 1, 256, "most")
        within(self, 1, 100, "elements")
        within(self, 1, 16384, "latent hidden")
        within(self, 4, 16384, "filters")

    @property
    def task(self) -> Task:
        return "dng"

    def build(self) -> FTCP:
        check_room(self._made)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.training.seed)
            return self._made()

    def _made(self) -> FTCP:
        layout = Layout(self.most, self.elements)
        return FTCP(layout, self.latent, self.filters, self.hidden, self.loss_weights, self.target)

    def generator(self, model: FTCP, card: Mapping[str, Any], name: str, identity: str) -> FTCPGenerator:
        return FTCPGenerator(name, identity, model, self.sampler, card)

    def facts(self) -> dict[str, str]:
        return {"sampler": f"points {self.sampler.spread:g} about the latent vectors of training crystals"}


RECIPES = (
    FTCPRecipe(),
    FTCPRecipe(
        name="ftcp-small", latent=64, filters=64, hidden=256,
        training=TrainingSettings(
            epochs=60, batch=128, slices=1, learning_rate=1e-3, weight_decay=0.0, schedule="cooldown",
            clip=100.0, ema=0.99, precision="32-true",
        ),
    ),
)  # fmt: skip
