"""Models with a latent space: crystals are read into vectors, and vectors are decoded to crystals.

What stands here is what ways through a latent space need (`nucleate.families.ways`), whatever the model.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from nucleate.arrays import PerCrystal
from nucleate.cell import Cell
from nucleate.errors import ModelError
from nucleate.model.trainable import Trainable

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
