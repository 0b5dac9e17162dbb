"""Pulls of requests carried out: predictors by their checksums, and the guidance of a batch by their gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from nucleate.arrays import Mask, PerCrystal
from nucleate.energies.potential import Potential
from nucleate.errors import ModelError
from nucleate.model.crystal_model import CrystalModel
from nucleate.properties.energy import LessEnergy
from nucleate.properties.guidance import GradientSettings, guided
from nucleate.properties.model import PropertyModel
from nucleate.properties.objectives import Along, Objective, Towards
from nucleate.properties.soft import SoftCrystals
from nucleate.sampling.guidance import Guidance, Guides, in_turn
from nucleate.sampling.pull import Pull
from nucleate.sampling.request import Request

DOUBT = 1.0
"""Standard deviations between the members that count against a crystal whose property is to be high or low."""
PLACES = ("frac", "lattice")
"""What a potential pulls: it has no gradient with respect to the elements."""


@dataclass(frozen=True, eq=False)
class Weighed:
    """A sum of objectives, each with a weight for each crystal.

    Attributes:
        parts: objectives and their weights. [crystals]
    """

    parts: Sequence[tuple[Objective, PerCrystal]]

    def __call__(self, soft: SoftCrystals, t: PerCrystal) -> PerCrystal:
        return torch.stack([weight * objective(soft, t) for objective, weight in self.parts]).sum(0)


class Pulls(Guides):
    """Predictors and potentials that may steer.

    Attributes:
        models: the predictors, by their checksums.
        potentials: by their identities.
    """

    def __init__(self) -> None:
        self.models: dict[str, PropertyModel] = {}
        self.potentials: dict[str, Potential] = {}

    def check(self, requests: Sequence[Request]) -> None:
        for pull in {pull for request in requests for pull in request.pulls}:
            if pull.predictor not in self.models and pull.predictor not in self.potentials:
                raise ModelError(
                    f"the predictor {pull.predictor or 'without a name'} of {pull.name} is not loaded",
                    "name it with --predictor",
                )

    def of(self, requests: Sequence[Request], model: CrystalModel, mask: Mask) -> Guidance | None:
        """Pulls that act at the same times on the same view are one evaluation with its backward pass."""
        groups: dict[GradientSettings, list[Pull]] = {}
        for pull in sorted({pull for one in requests for pull in one.pulls}, key=lambda one: one.text):
            groups.setdefault(self._settings(pull), []).append(pull)
        return in_turn(*(
            guided(model, mask, Weighed([self._part(pull, requests, mask) for pull in pulls]), settings)
            for settings, pulls in groups.items()
        ))  # fmt: skip

    def _part(self, pull: Pull, requests: Sequence[Request], mask: Mask) -> tuple[Objective, PerCrystal]:
        weights = [pull.weight if pull in request.pulls else 0.0 for request in requests]
        if pull.predictor in self.potentials:
            objective: Objective = LessEnergy(self.potentials[pull.predictor])
        else:
            objective = objective_of(pull, self.models[pull.predictor].to(mask.device))
        return objective, torch.tensor(weights, device=mask.device)

    def _settings(self, pull: Pull) -> GradientSettings:
        found = settings_of(pull)
        return replace(found, quantities=PLACES) if pull.predictor in self.potentials else found


def objective_of(pull: Pull, model: PropertyModel) -> Objective:
    """What a pull raises: nearness to its value, or the members' agreement on more or less of the property."""
    if isinstance(pull.aim, float):
        return Towards(model, pull.aim)
    return Along(model, 1.0 if pull.aim == "max" else -1.0, DOUBT)


def settings_of(pull: Pull) -> GradientSettings:
    """Its times and view; weights are those of the objectives."""
    view = "endpoint" if pull.on == "clean" else "state"
    return replace(GradientSettings(), on=view, start=pull.start, stop=pull.stop)
