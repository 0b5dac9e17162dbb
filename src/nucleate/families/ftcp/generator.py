"""FTCP as a generator: latent vectors near those of training crystals, decoded and read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nucleate.cell import Cell
from nucleate.families.ftcp.model import FTCP
from nucleate.families.ftcp.tensor import read
from nucleate.families.latent import LatentGenerator, Latents
from nucleate.families.proposing import ProposingGenerator
from nucleate.geometry.noise import Noise
from nucleate.sampling.request import Request
from nucleate.settings import within


@dataclass(frozen=True)
class FTCPSampling:
    """How crystals are drawn.

    Attributes:
        spread: standard deviation about the latent vector of a training crystal.
        threshold: below which an element or a site is not there.
        tries: draws of which the first is kept that has the atoms that are asked for.
    """

    spread: float = 0.6
    threshold: float = 0.05
    tries: int = 64

    def __post_init__(self) -> None:
        within(self, 0, 100.0, "spread", "sampler.")
        within(self, 0, 1.0, "threshold", "sampler.")
        within(self, 1, 100_000, "tries", "sampler.")


class FTCPGenerator(ProposingGenerator, LatentGenerator):
    """Proposes crystals near known ones."""

    model: FTCP
    settings: FTCPSampling

    def proposals(self, request: Request, noise: Noise, settings: FTCPSampling) -> Sequence[Cell | None]:
        if self.points is not None:
            z = self.latents([request], noise)
        else:
            z = self._about(noise, 1 if request.units != () else settings.tries, settings.spread)
        return read(self.model.decode(z), self.model.layout, settings.threshold)

    def chosen(self, requests: Sequence[Request], noise: Noise) -> Latents:
        return self._about(noise, len(requests), self.settings.spread)

    def _about(self, noise: Noise, tries: int, spread: float) -> Latents:
        """Points about training crystals that are drawn at random."""
        kept = self.model.kept
        rows = (noise.uniform(tries)[0] * len(kept)).long()
        return kept[rows] + spread * noise.normal(tries, kept.shape[1])[0].to(kept)
