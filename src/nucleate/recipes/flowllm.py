"""FlowLLM (Sriram et al. 2024, arXiv 2410.23405): a Riemannian flow whose base is another generator.

The paper's base is a fine-tuned LLaMA-2; here it is any generator by its name: a language model, Wyckoff sequences,
prototypes. The flow is FlowMM's with species that are given by the proposal. The paper draws one proposal for each
crystal of the data; so do we, with a little noise on the coordinates in each step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jaxtyping import Float
from torch import Tensor

from nucleate.arrays import Mask
from nucleate.codecs.lattice import lattice_codec
from nucleate.families.proposed.generator import ProposedGenerator
from nucleate.families.proposed.model import ProposedFlow
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel
from nucleate.processes.fixed import Fixed
from nucleate.processes.interpolant import Interpolant, InterpolantSettings
from nucleate.recipes.base import Components, LossWeights, Recipe
from nucleate.recipes.flows import cell_flow
from nucleate.recipes.sizes import small, tiny
from nucleate.sampling.generator import Task
from nucleate.sampling.settings import SamplerSettings
from nucleate.settings import within
from nucleate.training.settings import TrainingSettings


@dataclass(frozen=True)
class FlowLLM(Recipe):
    """A flow from proposals.

    Attributes:
        base: the generator that proposes: a shipped name, a model folder, or a name of a package.
        proposals: file of crystals that it has drawn for the training data, to train on; "" draws them when a run
            starts.
        jitter: standard deviation of the noise on proposed coordinates, in fractions of the cell.
        frac: settings of the coordinates' flow.
        lattice: settings of the cell's flow.
    """

    name: str = "flowllm"
    base: str = "wyckoff-mp20-sequences"
    proposals: str = ""
    jitter: float = 0.02
    frac: InterpolantSettings = field(default_factory=InterpolantSettings)
    lattice: InterpolantSettings = field(default_factory=InterpolantSettings)
    loss_weights: LossWeights = LossWeights(frac=1.0, lattice=1 / 400)
    training: TrainingSettings = TrainingSettings(
        learning_rate=3e-4, weight_decay=0.0, schedule="cosine", epochs=2000, clip=0.5
    )
    sampler: SamplerSettings = SamplerSettings(method="ode", steps=250, anneal_frac=10.0)

    def __post_init__(self) -> None:
        within(self, 0, 0.5, "jitter")

    @property
    def task(self) -> Task:
        return "csp"

    def parts(self) -> Components:
        cells = lattice_codec("logit-angles", standardise=True, informed=True)
        frac = Interpolant(self.frac, "frac", 3, "atom", "torus", base=anywhere)
        return Components(Fixed(), frac, cell_flow(self.lattice, cells), cells)

    def made_of(self) -> type[CrystalModel]:
        return ProposedFlow

    def build(self) -> CrystalModel:
        model = super().build()
        assert isinstance(model, ProposedFlow)
        model.jitter = self.jitter
        return model

    def generator(
        self, model: ProposedFlow, card: Mapping[str, Any], name: str, identity: str
    ) -> ProposedGenerator:
        return ProposedGenerator(name, identity, model, self.sampler, card)


def anywhere(mask: Mask, noise: Noise) -> Float[Tensor, "crystals atoms 3"]:
    """In the place of a proposal, where there is none yet."""
    return noise.uniform(mask.shape[1], 3)


_published = FlowLLM()

RECIPES: tuple[FlowLLM, ...] = (_published, small(_published, 20), tiny(_published, 20))
