"""Learning rate relative to its peak, from the step and the progress of the run."""

from __future__ import annotations

import math

from nucleate.training.settings import TrainingSettings


def learning_rate_factor(settings: TrainingSettings, step: int, progress: float) -> float:
    """Factor in [0, 1]. progress: fraction of the run that is done, in steps or in minutes."""
    progress = min(max(progress, 0.0), 1.0)
    warm = min(1.0, (step + 1) / max(1, settings.warmup))
    if settings.schedule == "cosine":
        return warm * 0.5 * (1 + math.cos(math.pi * progress))
    if settings.schedule == "cooldown":
        return warm * min(1.0, (1 - progress) / settings.cooldown)
    return warm
