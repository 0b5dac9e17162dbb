"""KLDM: kinetic Langevin diffusion for crystals (Cornet, Bergamin et al. 2025, arXiv 2507.03602)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import torch

from nucleate.codecs.lattice import LogLengthsTanAngles
from nucleate.model.crystal_model import CrystalModel
from nucleate.networks.base import Denoiser, Head
from nucleate.networks.cspnet import CSPNet, CSPNetSettings
from nucleate.networks.torus_transformer import TorusTransformer, TorusTransformerSettings
from nucleate.processes.base import Process
from nucleate.processes.fixed import Fixed
from nucleate.processes.gaussian import Gaussian, GaussianSettings
from nucleate.processes.kinetic import Kinetic, KineticSettings
from nucleate.sampling.settings import SamplerSettings
from nucleate.training.settings import TrainingSettings


@dataclass(frozen=True)
class LossWeights:
    """Weight of each process in the total loss (KLDM, appendix I: all 1 for CSP)."""

    frac: float = 1.0
    lattice: float = 1.0


@dataclass(frozen=True)
class KLDM:
    """Crystal structure prediction with KLDM; the defaults are the paper's table.

    Attributes:
        network: which of the two networks below is built.
        standardise: fit the statistics of the lattice codec on the training split (the paper's x0 model does).
    """

    name: str = "kldm-csp"
    network: Literal["cspnet", "torus-transformer"] = "cspnet"
    standardise: bool = True
    frac: KineticSettings = field(default_factory=KineticSettings)
    lattice: GaussianSettings = field(default_factory=GaussianSettings)
    loss_weights: LossWeights = field(default_factory=LossWeights)
    cspnet: CSPNetSettings = field(default_factory=CSPNetSettings)
    torus_transformer: TorusTransformerSettings = field(default_factory=TorusTransformerSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    sampler: SamplerSettings = field(default_factory=lambda: SamplerSettings(steps=1000))

    def build(self) -> CrystalModel:
        """The model with initial weights drawn from `training.seed`."""
        processes: dict[str, Process] = {
            "species": Fixed(),
            "frac": Kinetic(self.frac),
            "lattice": Gaussian(self.lattice),
        }
        heads = {name: Head(p.level, p.target_width) for name, p in processes.items() if p.target_width}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.training.seed)
            network = self._network(heads)
        weights = {"frac": self.loss_weights.frac, "lattice": self.loss_weights.lattice}
        return CrystalModel(processes, LogLengthsTanAngles(), network, weights)

    def _network(self, heads: dict[str, Head]) -> Denoiser:
        if self.network == "cspnet":
            return CSPNet(self.cspnet, heads)
        return TorusTransformer(self.torus_transformer, heads)


_paper = KLDM()
_small = KLDM(
    name="kldm-csp-small",
    network="torus-transformer",
    torus_transformer=TorusTransformerSettings(width=192, pair_width=48),
    frac=KineticSettings(horizon=3.0, shown="rest"),
    loss_weights=LossWeights(lattice=2.0),
    training=TrainingSettings(
        epochs=400,
        batch=64,
        learning_rate=1.5e-3,
        schedule="cooldown",
        warmup=300,
        clip=1.0,
        validate_every=1000,
        checkpoint_every=500,
    ),
    sampler=SamplerSettings(steps=100),
)

RECIPES: tuple[KLDM, ...] = (
    _paper,
    replace(_paper, name="kldm-csp-epsilon", standardise=False, lattice=GaussianSettings(predicts="epsilon")),
    _small,
    replace(
        _small,
        name="kldm-csp-tiny",
        torus_transformer=TorusTransformerSettings(
            width=128, layers=4, heads=4, pair_width=32, time_width=64
        ),
        training=replace(_small.training, batch=128, learning_rate=2e-3),
    ),
    replace(
        _small,
        name="kldm-csp-large",
        torus_transformer=TorusTransformerSettings(
            width=512, layers=8, heads=16, pair_width=128, frequencies=32
        ),
        training=replace(_small.training, batch=256, epochs=1500, learning_rate=5e-4),
    ),
)
