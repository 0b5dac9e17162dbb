"""The tuned model as a model folder like any other, with a card that says what it was tuned for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from nucleate.errors import ModelError
from nucleate.runs.model_folder import read_card, save_model
from nucleate.tuning.learner import Learner
from nucleate.tuning.low_rank import merged


def is_saved(folder: Path, rounds: int) -> bool:
    """Whether the model after so many rounds is there. Its card is written last."""
    try:
        return read_card(folder / "card.json").get("tuned", {}).get("rounds") == rounds
    except ModelError:
        return False


def save_tuned(folder: Path, learner: Learner, what: dict[str, Any], rounds: int, calls: int) -> None:
    """Write the model as it is now. what: what the run is, as in its tune.json."""
    recipe = learner.recipe
    model = recipe.build()
    with torch.no_grad():
        model.load_state_dict({name: tensor.cpu() for name, tensor in merged(learner.model).items()})
    tuned: dict[str, Any] = {
        "base": {"name": what["base"], "weights": what["weights"]},
        "method": what["method"],
        "reward": what["reward"].splitlines(),
        "rounds": rounds,
        "calls": calls,
        "settings": what["settings"],
    }
    if earlier := learner.base.card.get("tuned"):
        tuned["earlier"] = earlier
    card = {key: value for key, value in learner.base.card.items() if key != "metrics"}
    save_model(folder, model, recipe, {**card, **learner.card(), "tuned": tuned, "metrics": {}})
