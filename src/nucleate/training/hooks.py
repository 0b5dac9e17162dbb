"""What a run does with its model besides training: the loop knows neither recipes nor metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nucleate.model.trainable import Trainable
from nucleate.training.progress import Counters


@dataclass(frozen=True)
class Hooks:
    """Called by the first process, with the averaged weights in the model.

    Attributes:
        export: `export(model, kind, metrics, counters)` writes the model as the `best` (validation loss), `match`
            (match rate) or `last` one.
        match_rate: `match_rate(model)` judges predictions on validation; None where that is not possible.
    """

    export: Callable[[Trainable, str, dict[str, float], Counters], None]
    match_rate: Callable[[Trainable], dict[str, float]] | None = None
