"""FlowMM: geodesic flows from an informed prior of cells (Miller et al. 2024, arXiv 2406.04713)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from nucleate.codecs.lattice import lattice_codec
from nucleate.processes.interpolant import InterpolantSettings
from nucleate.recipes.base import Components, LossWeights
from nucleate.recipes.flows import cell_flow, coordinate_flow, species_flow
from nucleate.recipes.sizes import small, tiny
from nucleate.recipes.species import SpeciesRecipe
from nucleate.sampling.settings import SamplerSettings
from nucleate.training.settings import TrainingSettings


@dataclass(frozen=True)
class FlowMM(SpeciesRecipe):
    """FlowMM; the defaults are the published settings for MP-20, with anti-annealing of slope 10 for the coordinates.

    The published network differs from CSPNet in details (no self edges, shortest differences, the number of atoms
    on every edge); here it is the CSPNet of KLDM without velocities.

    Attributes:
        species: `given`, or `bits` for new materials: a flow of analog bits with the settings `species_flow`.
    """

    name: str = "flowmm-csp"
    frac: InterpolantSettings = field(default_factory=InterpolantSettings)
    lattice: InterpolantSettings = field(default_factory=InterpolantSettings)
    species: Literal["given", "bits"] = "given"
    species_flow: InterpolantSettings = field(default_factory=InterpolantSettings)
    loss_weights: LossWeights = LossWeights(frac=1.0, lattice=1 / 400, species=0.1)
    training: TrainingSettings = TrainingSettings(
        learning_rate=3e-4, weight_decay=0.0, schedule="cosine", epochs=2000, clip=0.5
    )
    sampler: SamplerSettings = SamplerSettings(method="ode", steps=1000, anneal_frac=10.0)

    def parts(self) -> Components:
        cells = lattice_codec("logit-angles", standardise=True, informed=True)
        species, codec = species_flow(self.species, self.species_flow)
        return Components(species, coordinate_flow(self.frac), cell_flow(self.lattice, cells), cells, codec)


_csp = FlowMM()
_dng = replace(_csp, name="flowmm-dng", species="bits", sampler=replace(_csp.sampler, anneal_frac=5.0))

RECIPES: tuple[FlowMM, ...] = (_csp, small(_csp, 20), tiny(_csp, 20), _dng, small(_dng), tiny(_dng))
