"""A predictor of a property by its name, ready to be asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nucleate.errors import ModelError
from nucleate.predictor.find import find_model, label, shipped_models
from nucleate.properties.model import PropertyModel
from nucleate.runs.model_folder import checksum, load_model, read_card


@dataclass(frozen=True, eq=False)
class LoadedProperty:
    """A predictor and what is known of it.

    Attributes:
        name: by which files call it.
        model: in evaluation mode, on the CPU.
        card: what it was trained on.
        checksum: of its weights.
    """

    name: str
    model: PropertyModel
    card: dict[str, Any]
    checksum: str = ""

    @property
    def target(self) -> str:
        """The property it predicts."""
        return self.model.task.target


def load_property(name: str | Path) -> LoadedProperty:
    """A predictor by a shipped name, a model or run folder, or `hf:owner/name`.

    Raises ModelError where there is none, and for a model of another kind.
    """
    folder = find_model(str(name))
    model, recipe, card = load_model(folder)
    if not isinstance(model, PropertyModel):
        known = [
            one
            for one, path in shipped_models().items()
            if read_card(path / "card.json")["task"] == "property"
        ]
        hint = f"predictors: {', '.join(known)}; or train one with 'nucleate train property'"
        raise ModelError(
            f"{name} is a model of the recipe {recipe.name}, which draws crystals and predicts no property",
            hint if known else "train one with 'nucleate train property --data D --target COLUMN --out RUN'",
        )
    if ends := card.get("label_ends"):
        model.ends = float(ends[0]), float(ends[1])
    return LoadedProperty(label(str(name), folder), model, card, checksum(folder))
