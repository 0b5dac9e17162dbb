"""Base of all recipes: a frozen dataclass of settings that builds a model. Each published model has one file."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np
import torch

from nucleate.cell import Cell
from nucleate.codecs.base import LatticeCodec
from nucleate.codecs.species import Codes, Numbers, species_codec
from nucleate.data.conditions import described
from nucleate.data.described import Described, Descriptions, columns_of
from nucleate.data.table import CrystalTable
from nucleate.errors import RecipeError
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel
from nucleate.model.self_conditioning import shown_by
from nucleate.model.symmetry_labels import HEADS
from nucleate.networks.base import Denoiser, Head, Shown
from nucleate.networks.cspnet import CSPNetSettings
from nucleate.networks.registry import get_network, settings_of, table_of
from nucleate.networks.torus_transformer import TorusTransformerSettings
from nucleate.processes.base import Process
from nucleate.recipes.contract import AnyRecipe
from nucleate.recipes.memory import check_room
from nucleate.sampling.diffusion import DiffusionGenerator
from nucleate.sampling.generator import Task
from nucleate.sampling.rows import sampled_rows
from nucleate.sampling.settings import SamplerSettings, scaled
from nucleate.settings import open_groups, within
from nucleate.training.settings import TrainingSettings


@dataclass(frozen=True)
class LossWeights:
    """Weights in the total loss.

    Attributes:
        frac: weight of the coordinates.
        lattice: weight of the lattice.
        species: weight of the species.
        axes: weight of the consistency under permutations of the cell's axes (`nucleate.model.axes`); 0 for none.
        symmetry: weight of sites and space groups, which the network is asked besides; 0 for a network without heads
            for them (`nucleate.model.symmetry_labels`). It needs training.order = orbits.
    """

    frac: float = 1.0
    lattice: float = 1.0
    species: float = 1.0
    axes: float = 0.0
    symmetry: float = 0.0

    def __post_init__(self) -> None:
        within(self, 0, 1e6, "frac lattice species axes symmetry", "loss_weights.")


@dataclass(frozen=True)
class Components:
    """The parts of a model: a process for each quantity, and the codecs of lattice and species."""

    species: Process
    frac: Process
    lattice: Process
    codec: LatticeCodec
    species_codec: Numbers | Codes = field(default_factory=lambda: species_codec("numbers"))


@dataclass(frozen=True)
class Recipe(AnyRecipe):
    """Settings of a model. A subclass adds those of its processes and combines them into `parts`.

    Attributes:
        name: name of the recipe.
        network: name of the network (`nucleate.networks.registry`).
        self_conditioning: give the network its last guess of the data as input.
        conditions: names of properties of the data set that the network receives as input.
        described: how these are read, as a run finds it in its training split; None before.
        loss_weights: weights of the quantities in the loss.
        cspnet: settings of CSPNet, used if it is the network.
        torus_transformer: settings of the torus transformer, used if it is the network.
        tables: settings of networks without a field here, by the name that the field would have.
        training: settings of the training.
        sampler: settings of the sampler.
    """

    name: str = ""
    network: str = "cspnet"
    self_conditioning: bool = False
    conditions: tuple[str, ...] | None = None
    described: Descriptions | None = None
    loss_weights: LossWeights = field(default_factory=LossWeights)
    cspnet: CSPNetSettings = field(default_factory=CSPNetSettings)
    torus_transformer: TorusTransformerSettings = field(default_factory=TorusTransformerSettings)
    tables: tuple[tuple[str, Any], ...] = open_groups(settings_of)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    sampler: SamplerSettings = field(default_factory=lambda: SamplerSettings(steps=1000))

    @abstractmethod
    def parts(self) -> Components:
        """The processes and codecs for these settings. Raises ValueError if settings don't fit together."""

    @property
    def task(self) -> Task:
        """Whether the composition is given (`csp`) or generated (`dng`).

        Recipes override this. For those that do not, such as older ones of other packages, `dng` means that the network
        predicts species.
        """
        return "dng" if self.parts().species.target_width else "csp"

    @property
    def network_settings(self) -> Any:
        """Settings of the network. Raises RecipeError for an unknown one."""
        kind, table = get_network(self.network), table_of(self.network)
        found = dict(self.tables).get(table, getattr(self, table, None))
        if found is None:
            return kind.settings()
        if not isinstance(found, kind.settings):
            raise RecipeError(
                f"the network '{self.network}' can't be used in {self.name}, where '{table}' is something else",
                "rename the network",
            )
        return found

    def completed(self) -> Recipe:
        """The recipe with all settings of its network, as in files, also if it has no field for them."""
        table = table_of(self.network)
        if table in (one.name for one in fields(self)):
            return self
        return replace(self, tables=tuple({**dict(self.tables), table: self.network_settings}.items()))

    @property
    def samplers(self) -> dict[str, SamplerSettings]:
        """Named alternatives to the recipe's own sampler, such as that of a paper whose code has another."""
        return {}

    def suited(self, network: TorusTransformerSettings) -> TorusTransformerSettings:
        """The network as it suits what this recipe draws."""
        return network

    def sampler_for(self, nfe: int) -> SamplerSettings:
        """The recipe's own sampler with as many steps as about `nfe` network evaluations allow."""
        return scaled(self.sampler, nfe)

    def build(self) -> CrystalModel:
        """The model with initial weights from `training.seed`. Raises RecipeError if settings don't fit together."""
        try:
            return self._built(self.parts())
        except ValueError as error:
            raise RecipeError(
                f"the settings don't fit together: {error}", "change them with --set"
            ) from error

    def made_of(self) -> type[CrystalModel]:
        """The class of its models."""
        return CrystalModel

    def described_by(self, train: CrystalTable) -> Recipe:
        if not self.conditions or not get_network(self.network).embeds:
            return self
        each = tuple((name, described(train, name)) for name in self.conditions)
        return replace(self, described=Descriptions(each))

    def generator(
        self, model: CrystalModel, card: Mapping[str, Any], name: str, identity: str
    ) -> DiffusionGenerator:
        return DiffusionGenerator(name, identity, model, self.task, self.sampler, card, self.samplers)

    def predicted(self, model: CrystalModel, table: CrystalTable, rows: np.ndarray) -> Iterator[Cell]:
        return sampled_rows(model, table, rows, self.sampler, self.training.edges)

    @classmethod
    def chosen(cls, values: Mapping[str, Any], where: str) -> type[Recipe]:
        """This class, which reads the settings in `values`. Raises RecipeError for a network that there is not."""
        get_network(str(values.get("network", cls.network)))
        return cls

    def unread(self, group: str) -> str:
        other = group != table_of(self.network) and settings_of(group) is not None
        return f"with the network {self.network}" if other else ""

    def facts(self) -> dict[str, str]:
        evaluations = self.sampler.evaluations
        return {"sampler": f"{self.sampler.method}, {evaluations} network evaluations (NFE) a crystal"}

    def _built(self, parts: Components) -> CrystalModel:
        if self.loss_weights.axes > 0 and not parts.codec.permutes:
            raise ValueError(
                f"loss_weights.axes = {self.loss_weights.axes} needs a codec that can permute axes, "
                f"but {type(parts.codec).__name__} is standardised by axis"
            )
        conditions = self._conditions()
        told = self._told()
        processes = {"species": parts.species, "frac": parts.frac, "lattice": parts.lattice}
        heads = {
            name: Head(p.level, p.answer_width or p.target_width)
            for name, p in processes.items() if p.target_width
        }  # fmt: skip
        if self.loss_weights.symmetry > 0:
            heads |= self._symmetry_heads()
        shown = self._shown(processes)
        check_room(lambda: self._network(heads, shown))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.training.seed)
            network = self._network(heads, shown)
        weights = asdict(self.loss_weights)
        return self.made_of()(
            processes,
            parts.codec,
            network,
            weights,
            parts.species_codec,
            self.self_conditioning,
            conditions,
            told,
            self.training.times,
        )

    def _symmetry_heads(self) -> dict[str, Head]:
        """Raises RecipeError where the labels are not found."""
        if self.training.order != "orbits":
            raise RecipeError(
                f"loss_weights.symmetry = {self.loss_weights.symmetry} needs training.order = orbits, "
                f"which finds the symmetry; got {self.training.order}",
                "set training.order=orbits, or loss_weights.symmetry=0",
            )
        return HEADS

    def _conditions(self) -> tuple[str, ...]:
        """The names of the conditions. Raises ValueError for repeated names, and for a network without conditions."""
        names = self.conditions or ()
        if len(set(names)) < len(names):
            raise ValueError(f"conditions must not repeat a property; got {list(names)}")
        if names and not get_network(self.network).takes_condition:
            raise ValueError(f"the network {self.network} takes no conditions; got {list(names)}")
        return names

    def _told(self) -> tuple[tuple[str, Described], ...]:
        """How the network reads its conditions; empty where it has none or is shown bare numbers."""
        if not self.conditions or not get_network(self.network).embeds:
            return ()
        return (self.described or Descriptions()).of(self.conditions)

    def _shown(self, processes: dict[str, Process]) -> Shown:
        """The widths of the network's inputs, found with a crystal of two atoms."""
        mask, noise, t = (
            torch.ones(1, 2, dtype=torch.bool),
            Noise.of(0, torch.zeros(1).long()),
            torch.zeros(1),
        )
        inputs: dict[str, torch.Tensor] = {}
        for process in processes.values():
            inputs |= process.inputs(process.prior(mask, noise), t)
        told = self._told()
        return replace(
            shown_by(inputs, self.self_conditioning),
            condition=len(columns_of(told) or self.conditions or ()),
            told=told,
        )

    def _network(self, heads: dict[str, Head], shown: Shown) -> Denoiser:
        return get_network(self.network)(self.network_settings, heads, shown)
