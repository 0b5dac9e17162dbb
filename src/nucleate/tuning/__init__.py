"""Tuning: models that learn to draw what a reward calls good."""

from nucleate.tuning.settings import Budget
from nucleate.tuning.tune import Tuned, tune

__all__ = ["Budget", "Tuned", "tune"]
