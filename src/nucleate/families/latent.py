"""Models with a latent space: crystals are read into vectors, and vectors are decoded to crystals.

What stands here is what ways through a latent space need (`nucleate.families.ways`), whatever the model.
"""

from __future__ import annotations

import copy
import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from nucleate.arrays import PerCrystal
from nucleate.cell import Cell
from nucleate.errors import ModelError
from nucleate.geometry.noise import Noise
from nucleate.model.trainable import Trainable
from nucleate.sampling.generator import Generator
from nucleate.sampling.learned import LearnedGenerator
from nucleate.sampling.request import Request

Own = TypeVar("Own", bound="LatentGenerator")
Latents = Float[Tensor, "crystals latent"]
"""Latent vectors."""


class LatentModel(Trainable):
    """A model with a latent space.

    Attributes:
        width: numbers of a latent vector.
        target: column of the data set that a head predicts, or what a structure has, such as density; "" without one.
    """

    width: int
    target: str = ""

    @abstractmethod
    def encode(self, cells: Sequence[Cell]) -> Latents:
        """The mean latent vector of each crystal. Raises StructureError for one that the model can't read."""

    def property_of(self, z: Latents) -> PerCrystal:
        """The property that a head reads from latent vectors, in the unit of the data set. It has a gradient.

        Raises ModelError for a model without such a head.
        """
        raise ModelError(
            "this model has no head for a property", "train one with --set target=COLUMN of the data set"
        )


class LatentGenerator(LearnedGenerator):
    """Draws by decoding latent vectors, of its own choice or those it is put at.

    Attributes:
        model: encoder and decoder.
        points: vectors by the keys of requests; None for those of its own choice.
    """

    model: LatentModel
    points: dict[int, Tensor] | None = None

    @abstractmethod
    def chosen(self, requests: Sequence[Request], noise: Noise) -> Latents:
        """A latent vector for each request."""

    def latents(self, requests: Sequence[Request], noise: Noise) -> Latents:
        """The latent vectors that are decoded. [requests, width]"""
        if self.points is None:
            return self.chosen(requests, noise)
        return torch.stack([self.points[request.key] for request in requests])

    def at(self: Own, points: Latents, requests: Sequence[Request]) -> Own:
        """The same generator, whose answers to these requests are decoded from these points."""
        other = copy.copy(self)
        other.points = {request.key: z for request, z in zip(requests, points, strict=True)}
        other._identity = f"{self.identity}@{_digest(points)}"
        return other

    def predicted(self, z: Latents) -> list[dict[str, str]]:
        """What the head for a property says of each vector, for headers; empty without one."""
        if not self.model.target:
            return [{} for _ in z]
        name = f"predicted_{self.model.target.replace('-', '_')}"
        return [{name: f"{float(value):.4g}"} for value in self.model.property_of(z)]


def _digest(points: Latents) -> str:
    return hashlib.sha256(points.detach().cpu().float().numpy().tobytes()).hexdigest()[:16]


def latent_generator(generator: Generator) -> LatentGenerator:
    """The generator, if it decodes latent vectors. Raises ModelError where it does not."""
    if not isinstance(generator, LatentGenerator):
        raise ModelError(
            f"{generator.name} has no latent space",
            "name a model of a recipe such as cdvae-fast-small or ftcp",
        )
    return generator
