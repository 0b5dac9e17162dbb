"""A run of a model that starts from another generator (`nucleate.families.proposed`)."""

from __future__ import annotations

from nucleate.data.table import CrystalTable
from nucleate.errors import RecipeError
from nucleate.families.proposed.model import ProposedFlow
from nucleate.model.trainable import Trainable
from nucleate.recipes.contract import AnyRecipe
from nucleate.runs.subject import Subject
from nucleate.sampling.generator import Generator


class FromGenerator(Subject):
    """How such a model is made: it has to know what proposes."""

    def __init__(self, base: Generator, proposals: Generator | None = None) -> None:
        """proposals: crystals that the base has drawn before."""
        self.base, self.proposals = base, proposals

    def made(self, recipe: AnyRecipe, train: CrystalTable) -> Trainable:
        model = super().made(recipe, train)
        if not isinstance(model, ProposedFlow):
            raise RecipeError(f"{recipe.name} starts from no other generator", "leave 'base' out")
        model.base, model.proposals = self.base, self.proposals
        return model
