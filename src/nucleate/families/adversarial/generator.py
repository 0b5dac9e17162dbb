"""The adversarial network as a generator: crystals of a family that is asked for, or of one of the training split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from nucleate.cell import Cell
from nucleate.families.adversarial.model import Adversarial, family_of
from nucleate.families.proposing import ProposingGenerator
from nucleate.geometry.noise import Noise
from nucleate.sampling.request import Request
from nucleate.settings import within


@dataclass(frozen=True)
class AdversarialSampling:
    """How crystals are drawn.

    Attributes:
        tries: draws of which the first is kept that has the atoms that are asked for.
    """

    tries: int = 64

    def __post_init__(self) -> None:
        within(self, 1, 100_000, "tries", "sampler.")


class AdversarialGenerator(ProposingGenerator):
    """Proposes crystals of `atoms` atoms."""

    model: Adversarial
    settings: AdversarialSampling

    def proposals(
        self, request: Request, noise: Noise, settings: AdversarialSampling
    ) -> Sequence[Cell | None]:
        device = self.model.kept.device
        tries = settings.tries if any(request.species) else 1
        if any(request.species):
            species = torch.tensor(request.species, device=device).expand(tries, -1)
        else:
            rows = (noise.uniform(tries)[0] * len(self.model.kept)).long()
            species = self.model.kept[rows].long()
        made, cells = self.model.made(noise.normal(tries, self.model.noise)[0].to(device), family_of(species))
        numbers = (1 + made.species.argmax(-1)).cpu().numpy()
        frac, lattices = (x.double().cpu().numpy() for x in (made.frac % 1, cells))
        return [Cell(*one) for one in zip(numbers, frac, lattices, strict=True)]
