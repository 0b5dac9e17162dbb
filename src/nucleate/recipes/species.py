"""Recipes with a choice of how species are drawn, and what follows from it for task, codec and network."""

from __future__ import annotations

from dataclasses import replace

from nucleate.codecs.species import Representation
from nucleate.networks.torus_transformer import TorusTransformerSettings
from nucleate.recipes.base import Recipe
from nucleate.sampling.generator import Task


class SpeciesRecipe(Recipe):
    """A recipe whose field `species` says how they are drawn.

    Attributes:
        species: `given` for crystal structure prediction, or the name of a way to draw them.
    """

    species: str

    @property
    def task(self) -> Task:
        return "csp" if self.species == "given" else "dng"

    def suited(self, network: TorusTransformerSettings) -> TorusTransformerSettings:
        """The network, with a skip connection for one-hot vectors, whose noise its tokens can't carry.

        Bits are few enough, and worse with it (docs/concepts/networks.md).
        """
        return replace(network, skip=self.species == "onehot")


def representation(species: str) -> Representation:
    """The representation for a way to draw species: `onehot` and `bits`, atomic numbers for all others."""
    return species if species in ("onehot", "bits") else "numbers"  # pyright: ignore[reportReturnType]
