"""KLDM: kinetic Langevin diffusion for crystals (Cornet, Bergamin et al. 2025, arXiv 2507.03602)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Literal

import torch

from nucleate.codecs.lattice import LogLengthsTanAngles
from nucleate.codecs.species import species_codec
from nucleate.model.crystal_model import CrystalModel
from nucleate.networks.base import Denoiser, Head
from nucleate.networks.cspnet import CSPNet, CSPNetSettings
from nucleate.networks.torus_transformer import TorusTransformer, TorusTransformerSettings
from nucleate.processes.base import Process
from nucleate.processes.fixed import Fixed
from nucleate.processes.gaussian import Gaussian, GaussianSettings
from nucleate.processes.kinetic import Kinetic, KineticSettings
from nucleate.processes.masked import Masked, MaskedSettings
from nucleate.sampling.settings import SamplerSettings
from nucleate.training.settings import TrainingSettings


@dataclass(frozen=True)
class LossWeights:
    """Weight of each process in the total loss (KLDM, appendix I: all 1 for CSP; species 20, 1 or 0.33 for DNG)."""

    frac: float = 1.0
    lattice: float = 1.0
    species: float = 1.0


@dataclass(frozen=True)
class KLDM:
    """KLDM; the defaults are the paper's table for crystal structure prediction.

    Attributes:
        network: which of the two networks below is built.
        standardise: fit the statistics of the lattice codec on the training split (the paper's x0 model does).
        species: `given` for crystal structure prediction; for new materials diffusion of one-hot vectors (`onehot`) or
            analog bits (`bits`) by the settings `species_diffusion`, or masked diffusion (`masked`).
    """

    name: str = "kldm-csp"
    network: Literal["cspnet", "torus-transformer"] = "cspnet"
    standardise: bool = True
    frac: KineticSettings = field(default_factory=KineticSettings)
    lattice: GaussianSettings = field(default_factory=GaussianSettings)
    species: Literal["given", "onehot", "bits", "masked"] = "given"
    species_diffusion: GaussianSettings = field(default_factory=GaussianSettings)
    masked: MaskedSettings = field(default_factory=MaskedSettings)
    loss_weights: LossWeights = field(default_factory=LossWeights)
    cspnet: CSPNetSettings = field(default_factory=CSPNetSettings)
    torus_transformer: TorusTransformerSettings = field(default_factory=TorusTransformerSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    sampler: SamplerSettings = field(default_factory=lambda: SamplerSettings(steps=1000))

    @property
    def task(self) -> Literal["csp", "dng"]:
        """Whether the composition is given or invented."""
        return "csp" if self.species == "given" else "dng"

    def build(self) -> CrystalModel:
        """The model with initial weights drawn from `training.seed`."""
        codec = species_codec(self.species if self.species in ("onehot", "bits") else "numbers")
        processes: dict[str, Process] = {
            "species": self._species(codec.width),
            "frac": Kinetic(self.frac),
            "lattice": Gaussian(self.lattice),
        }
        heads = {name: Head(p.level, p.target_width) for name, p in processes.items() if p.target_width}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.training.seed)
            network = self._network(heads, codec.width)
        lattice = LogLengthsTanAngles(standardise=self.standardise)
        return CrystalModel(processes, lattice, network, asdict(self.loss_weights), codec)

    def _species(self, width: int) -> Process:
        if self.species == "given":
            return Fixed()
        if self.species == "masked":
            return Masked(self.masked)
        return Gaussian(self.species_diffusion, "species", width, "atom")

    def _network(self, heads: dict[str, Head], species_width: int) -> Denoiser:
        if self.network == "cspnet":
            return CSPNet(self.cspnet, heads, species_width=species_width)
        return TorusTransformer(self.torus_transformer, heads, species_width=species_width)


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
    *(
        variant
        for species, weight in (("onehot", 20.0), ("bits", 1.0), ("masked", 0.33))
        for variant in (
            replace(
                _paper,
                name=f"kldm-dng-{species}",
                species=species,
                loss_weights=LossWeights(species=weight),
            ),
            replace(
                _small,
                name=f"kldm-dng-{species}-small",
                species=species,
                loss_weights=LossWeights(lattice=2.0, species=weight),
                masked=MaskedSettings(all_shown=0.2),
            ),
        )
    ),
)
