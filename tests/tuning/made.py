"""Tiny models, and rewards that they can learn in seconds."""

from __future__ import annotations

from pathlib import Path

from nucleate.rewards import Gates, Reward
from nucleate.rewards.facts import Elements
from tests.runs.test_adapter import base

IRON = '[parts.iron]\nkind = "elements"\nelements = ["Fe"]\n\n[gates]\nusable = false\n'
QUICK = ["draws=32", "steps=12", "batch=32", "learning_rate=0.01", "per_formula=8", "per_system=1", "base_draws=32",
         "base_share=0.2"]  # fmt: skip


def model(folder: Path, name: str = "dng") -> Path:
    """An untrained model of cells of four atoms of Li, O and Fe."""
    return base(folder / "base", name)


def iron() -> Reward:
    """The share of iron."""
    return Reward({"iron": Elements(("Fe",))}, gates=Gates(usable=False))
