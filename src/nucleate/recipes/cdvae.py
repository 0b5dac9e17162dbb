"""CDVAE (Xie et al. 2022, arXiv 2110.06197), with the networks of this package as encoder and decoder.

The published encoder is DimeNet++ and the decoder GemNet-dT, together 4.9 million parameters; `cdvae` has CSPNet for
both, as many parameters, and everything else as published for MP-20: 256 latent numbers, 50 noise levels, Langevin
dynamics of 100 steps at each, the loss weights, and the true cell for half of the training. `cdvae-fast` and its sizes
decode by a process of coordinates instead (`families.cdvae.process`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.errors import RecipeError
from nucleate.families.cdvae.cells import ScaledParameters
from nucleate.families.cdvae.decoder import Decoder, told_of_latent
from nucleate.families.cdvae.generator import CDVAEGenerator
from nucleate.families.cdvae.heads import Heads
from nucleate.families.cdvae.langevin import AnnealedSampling, LangevinDecoder, NoiseLevels
from nucleate.families.cdvae.model import CDVAE, Forcing, Weights
from nucleate.families.cdvae.process import ProcessDecoder
from nucleate.geometry.noise import Noise
from nucleate.networks.base import Denoiser, Head, Shown
from nucleate.networks.cspnet import CSPNetSettings
from nucleate.networks.registry import get_network, settings_of, table_of
from nucleate.networks.torus_transformer import TorusTransformerSettings
from nucleate.processes.base import Process
from nucleate.recipes.contract import AnyRecipe
from nucleate.recipes.cross import COORDINATES
from nucleate.recipes.memory import check_room
from nucleate.recipes.sizes import MINI
from nucleate.sampling.generator import Task
from nucleate.sampling.settings import SamplerSettings
from nucleate.settings import within
from nucleate.training.settings import TrainingSettings

PUBLISHED_NETWORK = CSPNetSettings(width=256, layers=4, frequencies=60, time_width=64, frac_layers=1)
PUBLISHED_TRAINING = TrainingSettings(epochs=1000, batch=256, weight_decay=0.0, precision="32-true")
SMALL_TRAINING = TrainingSettings(
    epochs=60, batch=128, slices=1, learning_rate=2e-3, schedule="cooldown", warmup=100, clip=1.0, ema=0.99,
    precision="32-true", validate_every=500, checkpoint_every=250,
)  # fmt: skip


@dataclass(frozen=True)
class Variational(AnyRecipe):
    """What both kinds of decoder share.

    Attributes:
        name: of the recipe.
        network: `torus-transformer` or `cspnet`, of the encoder and of the decoder.
        torus_transformer, cspnet: settings of the networks.
        latent: numbers of a latent vector.
        hidden: width of the heads' hidden layers.
        most: atoms in a cell.
        target: column of the data set that a head predicts; "" for none.
        loss_weights: weights of the terms.
        forced_epochs: for how long the decoder sees the true cell.
        training: how it is trained.
    """

    name: str = ""
    network: Literal["torus-transformer", "cspnet"] = "torus-transformer"
    torus_transformer: TorusTransformerSettings = MINI
    cspnet: CSPNetSettings = PUBLISHED_NETWORK
    latent: int = 64
    hidden: int = 128
    most: int = 20
    target: str = ""
    loss_weights: Weights = field(default_factory=Weights)
    forced_epochs: int = 500
    training: TrainingSettings = SMALL_TRAINING

    def __post_init__(self) -> None:
        within(self, 1, 16384, "latent hidden")
        within(self, 1, 256, "most")
        within(self, 0, 10**9, "forced_epochs")

    @property
    def task(self) -> Task:
        return "dng"

    @abstractmethod
    def decoder(self, codec: ScaledParameters) -> Decoder:
        """What puts atoms into cells."""

    def build(self) -> CDVAE:
        codec = ScaledParameters(standardise=True)
        heads = {"latent": Head("cell", 2 * self.latent)}
        try:
            check_room(lambda: self.net(heads))
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self.training.seed)
                encoder, decoder = self.net(heads), self.decoder(codec)
                read = Heads(self.latent, self.hidden, self.most, bool(self.target))
        except ValueError as error:
            raise RecipeError(
                f"the settings don't fit together: {error}", "change them with --set"
            ) from error
        forcing = Forcing(self.forced_epochs, self.training.batch)
        return CDVAE(encoder, read, decoder, self.latent, self.most, self.loss_weights, forcing, self.target)

    def net(self, heads: dict[str, Head], velocity: int = 0) -> Denoiser:
        """A network with these heads. velocity: numbers of it that are shown of each atom."""
        settings = self.torus_transformer if self.network == "torus-transformer" else self.cspnet
        return get_network(self.network)(settings, heads, Shown(lattice=6, velocity=velocity))

    def generator(self, model: CDVAE, card: Mapping[str, Any], name: str, identity: str) -> CDVAEGenerator:
        return CDVAEGenerator(name, identity, model, self.sampling, card)

    @property
    @abstractmethod
    def sampling(self) -> Any:
        """Settings of the decoding."""

    def unread(self, group: str) -> str:
        other = group != table_of(self.network) and settings_of(group) is not None
        return f"with the network {self.network}" if other else ""


@dataclass(frozen=True)
class AnnealedCDVAE(Variational):
    """As published.

    Attributes:
        noise: the noise that is learned.
        sampler: how crystals are decoded.
    """

    noise: NoiseLevels = field(default_factory=NoiseLevels)
    sampler: AnnealedSampling = field(default_factory=AnnealedSampling)

    @property
    def sampling(self) -> AnnealedSampling:
        return self.sampler

    def decoder(self, codec: ScaledParameters) -> LangevinDecoder:
        network = self.net({"frac": Head("atom", 3), "species": Head("atom", MAX_ATOMIC_NUMBER)})
        return LangevinDecoder(told_of_latent(network, self.latent), codec, self.noise)

    def facts(self) -> dict[str, str]:
        evaluations = self.noise.count * self.sampler.steps
        return {"sampler": f"annealed Langevin dynamics, {evaluations} network evaluations (NFE) a crystal"}


@dataclass(frozen=True)
class FastCDVAE(Variational):
    """With a process of coordinates.

    Attributes:
        coordinates: one of `recipes.cross.COORDINATES`.
        sampler: how coordinates are drawn.
    """

    coordinates: Literal[
        "kinetic", "wrapped-normal", "wrapped-normal-circular", "geodesic", "interpolant"
    ] = "geodesic"
    sampler: SamplerSettings = SamplerSettings(method="ode", steps=20, anneal_frac=5.0, corrector="expected")

    @property
    def sampling(self) -> SamplerSettings:
        return self.sampler

    def decoder(self, codec: ScaledParameters) -> ProcessDecoder:
        process = COORDINATES[self.coordinates]()
        network = self.net({"frac": Head(process.level, process.target_width)}, _velocity(process))
        return ProcessDecoder(told_of_latent(network, self.latent), codec, process, self.latent)

    def facts(self) -> dict[str, str]:
        evaluations = self.sampler.evaluations
        return {"sampler": f"{self.sampler.method}, {evaluations} network evaluations (NFE) a crystal"}


def _velocity(process: Process) -> int:
    """Numbers of a velocity that a process shows of each atom."""
    mask = torch.ones(1, 2, dtype=torch.bool)
    shown = process.inputs(process.prior(mask, Noise.of(0, torch.zeros(1).long())), torch.zeros(1))
    return shown["velocity"].shape[-1] if "velocity" in shown else 0


_paper = AnnealedCDVAE(name="cdvae", network="cspnet", latent=256, hidden=256, training=PUBLISHED_TRAINING)

RECIPES: tuple[Variational, ...] = (
    _paper,
    AnnealedCDVAE(
        name="cdvae-small",
        noise=NoiseLevels(told=True),
        sampler=AnnealedSampling(steps=10, step_size=1e-4),
    ),
    FastCDVAE(name="cdvae-fast-small"),
)
