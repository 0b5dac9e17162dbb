"""What is given of crystals before they are drawn: the composition in CSP, a cell or part of the structure elsewhere.

The known part follows a path of its own to its data, drawn from the forward process with the same noise at every step,
and replaces after each step what the sampler drew for it (Song et al. 2021, arXiv 2011.13456, appendix I.2; inpainting
on the torus). Species under masked diffusion are shown from the beginning.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nucleate.arrays import Mask, PerCrystal, Species
from nucleate.crystals import Crystals
from nucleate.errors import ModelError
from nucleate.geometry.noise import Noise
from nucleate.model.constraint import Constraint, States
from nucleate.model.crystal_model import CrystalModel
from nucleate.streams import HELD


@dataclass(frozen=True)
class Given:
    """Values and which of them are known.

    Attributes:
        crystals: the values, anything that is finite where nothing is known.
        known: by the names of the processes: atoms [crystals, atoms] of `species` and `frac`, crystals [crystals] of
            `lattice`. Names that are absent are free.
    """

    crystals: Crystals
    known: dict[str, Tensor]

    @classmethod
    def composition(cls, species: Species, mask: Mask) -> Given:
        """All species are known and nothing else: crystal structure prediction."""
        frac = torch.zeros(*mask.shape, 3, device=mask.device)
        cells = torch.eye(3, device=mask.device).expand(len(mask), 3, 3)
        return cls(Crystals(species, frac, cells, mask), {"species": mask})

    def on(self, model: CrystalModel, noise: Noise) -> Held:
        """The constraint on crystals that a model draws with this noise."""
        return Held(self, model, noise)


class Held(Constraint):
    """Known parts follow a path of their own. Predictions and noise are left alone: the path replaces states.

    Attributes:
        given: what is known.
        model: the model that draws.
        noise: of the whole trajectory.
    """

    projects = False

    def __init__(self, given: Given, model: CrystalModel, noise: Noise) -> None:
        self.given, self.model, self._noise = given, model, noise

    def begin(self, states: States) -> States:
        mask = self.given.crystals.mask
        return self.hold(states, torch.zeros(mask.shape[:1], device=mask.device))

    def hold(self, states: States, t: PerCrystal) -> States:
        """The states with the known parts as they are at the times t."""
        crystals, held, stream = self.given.crystals, dict(states), self._noise.at(HELD.step())
        for name, known in self.given.known.items():
            process = self.model.processes_for(crystals.species)[name]
            state = process.held(self.model.channel(name, crystals), t, crystals.mask, stream)
            held[name] = process.merge(states[name], state, known, crystals.mask)
        return held


def check_given(model: CrystalModel, given: Given | None) -> None:
    """Raise ModelError where something is not given that the model does not generate."""
    for name, process in model.processes.items():
        if process.target_width == 0 and (given is None or name not in given.known):
            raise ModelError(
                f"this model does not invent {name}: it predicts the structure of a composition",
                "use 'nucleate predict', or a model with task dng ('nucleate models' lists them)",
            )
