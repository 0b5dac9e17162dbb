"""What a run trains: by itself the whole model of a recipe; an adapter is a part of one (`nucleate.runs.adapter`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nucleate.data.table import CrystalTable
from nucleate.model.trainable import Trainable
from nucleate.recipes.contract import AnyRecipe
from nucleate.runs.model_folder import save_model


class Subject:
    """How what is trained is made and saved."""

    def made(self, recipe: AnyRecipe, train: CrystalTable) -> Trainable:
        """The model with its first weights and the statistics of the training split."""
        model = recipe.build()
        model.fit(train)
        return model

    def save(self, folder: Path, model: Trainable, recipe: AnyRecipe, card: dict[str, Any]) -> None:
        """Write its folder."""
        save_model(folder, model, recipe, card)
