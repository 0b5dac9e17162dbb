"""`property`: a small ensemble that predicts a property of crystals, clean or noised, with intervals.

As the predictors that guide diffusion (Dhariwal and Nichol 2021, arXiv 2105.05233; for superconductors DiffCSP-SC),
it is trained under the noise of the process that it is to guide (`nucleate.properties.noising`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from nucleate.errors import ModelError, RecipeError
from nucleate.networks.base import Denoiser, Head, Shown
from nucleate.networks.cspnet import CSPNetSettings
from nucleate.networks.registry import get_network, settings_of, table_of
from nucleate.networks.torus_transformer import TorusTransformerSettings
from nucleate.properties.composition import ELEMENTS, element_features
from nucleate.properties.labels import Scale
from nucleate.properties.model import HEAD, PropertyModel
from nucleate.properties.parts import Half, SplitBy
from nucleate.properties.task import PropertyTask, Through
from nucleate.recipes.contract import AnyRecipe
from nucleate.recipes.memory import check_room
from nucleate.sampling.generator import Generator
from nucleate.settings import within
from nucleate.training.settings import TrainingSettings


@dataclass(frozen=True)
class Property(AnyRecipe):
    """Settings of a predictor.

    Attributes:
        name: of the recipe.
        target: column of the data set that is predicted.
        through: `direct`, or `allen-dynes`: learn lambda_ep and omega_log, from which Tc follows.
        scale: on which the target is learned; `auto` takes log1p for labels with a long tail that are never negative.
        members: of the ensemble, each a head of its own.
        bodies: networks that the members share out among them.
        confidence: of the intervals.
        calibration: share of the labelled training crystals kept for the intervals.
        half: `first` or `second` for labels of one half of the chemical systems.
        split_by: what is held out of the training split for tests: `random` crystals, whole chemical systems
            (`chemical-system`), or the highest labels (`range`).
        held_out: share that is held out.
        clean: share of the training crystals without noise.
        left_out: share of the crystals that each member does not see.
        network: `torus-transformer` or `cspnet`.
        torus_transformer: settings of the torus transformer, used if it is the network.
        cspnet: settings of CSPNet, used if it is the network.
        training: how it is trained; the losses are Huber losses in standard deviations of the label.
    """

    name: str = "property"
    target: str = ""
    through: Through = "direct"
    scale: Literal["auto", "linear", "log1p", "log"] = "auto"
    members: int = 5
    bodies: int = 1
    confidence: float = 0.9
    calibration: float = 0.1
    half: Half = "both"
    split_by: SplitBy = "none"
    held_out: float = 0.1
    clean: float = 0.6
    left_out: float = 0.2
    network: Literal["torus-transformer", "cspnet"] = "torus-transformer"
    torus_transformer: TorusTransformerSettings = field(
        default_factory=lambda: TorusTransformerSettings(
            width=64, layers=2, heads=4, pair_width=16, frequencies=6, time_width=16
        )
    )
    cspnet: CSPNetSettings = field(
        default_factory=lambda: CSPNetSettings(width=64, layers=2, frequencies=6, time_width=16)
    )
    training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(
            epochs=60, batch=128, slices=1, learning_rate=2e-3, weight_decay=0.05, schedule="cosine", warmup=100,
            clip=1.0, ema=0.99, precision="32-true", validate_every=500, checkpoint_every=250,
        )
    )  # fmt: skip

    def __post_init__(self) -> None:
        within(self, 1, 32, "members")
        within(self, 1, self.members, "bodies")
        within(self, 0.5, 0.999, "confidence")
        within(self, 0.01, 0.9, "calibration held_out")
        within(self, 0, 1, "clean")
        within(self, 0, 0.9, "left_out")
        for name in ("match_every", "symmetry"):
            if getattr(self.training, name):
                raise RecipeError(
                    f"training.{name} has no effect on a model that draws no crystals",
                    f"leave training.{name} out",
                )

    @property
    def task(self) -> Literal["property"]:
        return "property"

    @property
    def learned(self) -> PropertyTask:
        """What is learned from which crystals."""
        scale: Scale | None = None if self.scale == "auto" else self.scale
        return PropertyTask(
            self.target, self.through, scale, self.confidence, self.calibration, self.half, self.split_by,
            self.held_out, self.clean, self.left_out,
        )  # fmt: skip

    def build(self) -> PropertyModel:
        task = self.learned
        try:
            check_room(lambda: self._network(len(task.columns), 0))
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self.training.seed)
                networks = [self._network(len(task.columns), body) for body in range(self.bodies)]
        except ValueError as error:
            raise RecipeError(
                f"the settings don't fit together: {error}", "change them with --set"
            ) from error
        return PropertyModel(networks, self.members, task)

    def _network(self, columns: int, body: int) -> Denoiser:
        """One of the bodies, with the heads of every `bodies`-th member."""
        kind = get_network(self.network)
        shown = Shown(lattice=6, species=ELEMENTS + element_features().shape[1], velocity=0)
        settings = self.torus_transformer if self.network == "torus-transformer" else self.cspnet
        heads = {
            f"{HEAD}{member}": Head("cell", columns) for member in range(body, self.members, self.bodies)
        }
        return kind(settings, heads, shown)

    def generator(self, model: Any, card: Mapping[str, Any], name: str, identity: str) -> Generator:
        raise ModelError(
            f"{name} predicts {self.target} of crystals and draws none",
            f"use it with 'nucleate property FILES --model {name}'",
        )

    def unread(self, group: str) -> str:
        other = group != table_of(self.network) and settings_of(group) is not None
        return f"with the network {self.network}" if other else ""

    def facts(self) -> dict[str, str]:
        return {"predicts": self.target, "members": str(self.members)}


RECIPES = (Property(),)
