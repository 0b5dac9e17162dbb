"""What a decoder of CDVAE is: it puts atoms into cells, told of a latent vector."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from nucleate.arrays import Cells, PerCrystal
from nucleate.codecs.base import LatticeCodec
from nucleate.crystals import Crystals
from nucleate.families.cdvae.heads import Shares
from nucleate.families.latent import Latents
from nucleate.geometry.noise import Noise
from nucleate.networks.base import Denoiser
from nucleate.networks.conditioning import INNER, Asked, Conditioning

LATENT = "latent"


class LatentLayers(Conditioning):
    """Tells a network of a latent vector before each block, as `networks.conditioning` does of properties."""

    def __init__(self, latent: int, width: int, blocks: int) -> None:
        super().__init__((), width, blocks)
        self.latent = latent
        self.tells = nn.ModuleList(nn.Linear(latent, INNER, bias=False) for _ in range(blocks))

    @property
    def columns(self) -> int:
        return self.latent

    def embed(self, condition: Tensor, present: Tensor) -> tuple[Tensor, Asked]:
        return condition, present.any(1, keepdim=True)


def told_of_latent(network: Denoiser, latent: int) -> Denoiser:
    """The network with layers for a latent vector, which it finds in `condition`."""
    network.conditioning[LATENT] = LatentLayers(latent, network.width, network.depth)
    return network


@dataclass(frozen=True)
class Lesson:
    """What a decoder learns from.

    Attributes:
        crystals: the data.
        z: their latent vectors. [crystals, latent]
        cells: those that the decoder sees, the true ones or what the head says, Å. [crystals, 3, 3]
        shares: of the elements, by the composition's head. [crystals, elements]
        t: times that cover (0, 1) evenly. [crystals]
    """

    crystals: Crystals
    z: Latents
    cells: Cells
    shares: Shares
    t: PerCrystal


class Decoder(nn.Module, ABC):
    """Puts atoms into cells.

    Attributes:
        codec: of the lattice.
    """

    codec: LatticeCodec

    @abstractmethod
    def losses(self, lesson: Lesson, noise: Noise) -> dict[str, PerCrystal]:
        """Each loss by its name."""

    @abstractmethod
    def decoded(
        self,
        start: Crystals,
        given: bool,
        z: Latents,
        settings: Any,
        noise: Noise,
        on_step: Callable[[], None],
    ) -> tuple[Crystals, int]:
        """Crystals with the cells and sizes of `start`, and the network evaluations for each.

        Args:
            start: its species are those that are asked for or a first guess; its coordinates mean nothing.
            given: whether the species are asked for and stay.
            on_step: called after each of `steps`.
        """

    @abstractmethod
    def steps(self, settings: Any) -> int:
        """How often `on_step` is called."""


def ones(z: Latents) -> dict[str, Tensor]:
    """The inputs that tell a network of latent vectors."""
    return {"condition": z, "present": torch.ones_like(z, dtype=torch.bool)}
