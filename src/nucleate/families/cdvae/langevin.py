"""The published decoder: annealed Langevin dynamics on coordinates, elements by the likeliest at each step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nucleate.arrays import Cells, PerAtom3, PerCrystal, Species
from nucleate.codecs.base import LatticeCodec
from nucleate.crystals import Crystals
from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.errors import RecipeError
from nucleate.families.cdvae.annealed import along_axes, langevin, moved, noise_levels, target
from nucleate.families.cdvae.decoder import Decoder, Lesson, ones
from nucleate.families.cdvae.heads import drawn_elements
from nucleate.families.latent import Latents
from nucleate.geometry.noise import Noise
from nucleate.networks.base import Denoiser
from nucleate.processes.base import as_column
from nucleate.settings import within
from nucleate.streams import PRIOR, WALK


@dataclass(frozen=True)
class NoiseLevels:
    """The noise that is learned.

    Attributes:
        count: levels.
        sigma_max, sigma_min: of the coordinates at the first and the last level, Å.
        species_max, species_min: of the elements, as odds of one drawn from the composition against the true one.
        told: whether the network is told the level. As published it is not.
    """

    count: int = 50
    sigma_max: float = 10.0
    sigma_min: float = 0.01
    species_max: float = 5.0
    species_min: float = 0.01
    told: bool = False

    def __post_init__(self) -> None:
        within(self, 2, 10_000, "count", "noise.")
        within(self, 1e-6, 1e3, "sigma_max sigma_min species_max species_min", "noise.")
        if self.sigma_min >= self.sigma_max or self.species_min >= self.species_max:
            raise RecipeError(
                f"noise must fall: sigma from {self.sigma_max} to {self.sigma_min}, species from "
                f"{self.species_max} to {self.species_min}",
                "the published values are 10 to 0.01 and 5 to 0.01",
            )


@dataclass(frozen=True)
class AnnealedSampling:
    """How crystals are decoded.

    Attributes:
        steps: of Langevin dynamics at each level, each a network evaluation.
        step_size: of a step at the last level, Å^2.
    """

    steps: int = 100
    step_size: float = 1e-4

    def __post_init__(self) -> None:
        within(self, 1, 10**6, "steps", "sampler.")
        within(self, 1e-12, 1e3, "step_size", "sampler.")


class LangevinDecoder(Decoder):
    """See the module's text.

    Attributes:
        network: with the heads `frac` and `species`, told of the latent vector.
        codec: of the lattice, as the network is shown it.
    """

    sigmas: Tensor
    species_sigmas: Tensor

    def __init__(self, network: Denoiser, codec: LatticeCodec, levels: NoiseLevels) -> None:
        super().__init__()
        self.network, self.codec, self.told = network, codec, levels.told
        coordinates = noise_levels(levels.sigma_max, levels.sigma_min, levels.count)
        elements = noise_levels(levels.species_max, levels.species_min, levels.count)
        self.register_buffer("sigmas", coordinates, persistent=False)
        self.register_buffer("species_sigmas", elements, persistent=False)

    def answer(
        self, frac: PerAtom3, species: Species, cells: Cells, level: Tensor, mask: Tensor, z: Latents
    ) -> tuple[PerAtom3, Tensor]:
        """s of each atom along x, y, z, and the logits of its element. level: number from 0. [crystals]"""
        lattice = self.codec.encode(cells, mask.sum(1))
        inputs = {"species": species, "frac": frac, "lattice": lattice, **ones(z)}
        count = len(self.sigmas)
        t = (level + 0.5) / count if self.told else torch.ones_like(z[:, 0])
        said = self.network(inputs, t.to(z.dtype), mask)
        return along_axes(said["frac"].float(), cells), said["species"].float()

    def losses(self, lesson: Lesson, noise: Noise) -> dict[str, PerCrystal]:
        """`coordinates`: half the squared error of s, summed over x, y, z; `species`: cross entropy over its noise.

        Both are means over the atoms. The target is the way in the true cell, whatever cell the noise was added in.
        """
        crystals, mask, count = lesson.crystals, lesson.crystals.mask, len(self.sigmas)
        level = (lesson.t * count).long().clamp(0, count - 1)
        sigma, width = self.sigmas[level], self._species_width(noise)
        true = F.one_hot((crystals.species - 1).clamp(min=0), MAX_ATOMIC_NUMBER)
        odds = true + lesson.shares.unsqueeze(1) * as_column(width, true)
        species = torch.where(mask, drawn_elements(odds, noise.uniform(mask.shape[1])), 0)
        normal = noise.normal(mask.shape[1], 3) * mask.unsqueeze(-1)
        noisy = moved(crystals.frac, as_column(sigma, normal) * normal, lesson.cells)
        said, logits = self.answer(noisy, species, lesson.cells, level, mask, lesson.z)
        error = (said - target(crystals.frac, noisy, crystals.lattice, sigma)).square().sum(-1)
        nats = -torch.log_softmax(logits, -1).gather(2, (crystals.species - 1).clamp(min=0)[..., None])
        return {
            "coordinates": 0.5 * _mean(error, mask),
            "species": _mean(nats.squeeze(-1), mask) / width,
        }

    def _species_width(self, noise: Noise) -> PerCrystal:
        """That of a level of its own for each crystal."""
        level = (noise.uniform(1)[:, 0] * len(self.species_sigmas)).long()
        return self.species_sigmas[level]

    @torch.no_grad()
    def decoded(
        self, start: Crystals, given: bool, z: Latents, settings: AnnealedSampling, noise: Noise,
        on_step: Callable[[], None],
    ) -> tuple[Crystals, int]:  # fmt: skip
        mask, cells, species = start.mask, start.lattice, start.species
        frac, number = noise.at(PRIOR.step()).uniform(mask.shape[1], 3), 0
        for level, sigma in enumerate(self.sigmas.tolist()):
            step = settings.step_size * (sigma / float(self.sigmas[-1])) ** 2
            levels = torch.full_like(z[:, 0], level)
            for _ in range(settings.steps):
                normal = noise.at(WALK.step(number)).normal(mask.shape[1], 3)
                said, logits = self.answer(frac, species, cells, levels, mask, z)
                frac, number = langevin(frac, said, cells, sigma, step, normal), number + 1
                if not given:
                    species = torch.where(mask, 1 + logits.argmax(-1), 0)
            on_step()
        frac = frac * mask.unsqueeze(-1)
        return Crystals(species, frac, cells, mask), number

    def steps(self, settings: Any) -> int:
        return len(self.sigmas)


def _mean(x: Tensor, mask: Tensor) -> PerCrystal:
    return (x * mask).sum(1) / mask.sum(1)
