"""nucleate: from noise to crystals. Nothing heavy is imported until it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from nucleate.crystals import Crystals
    from nucleate.predictor import Predictor, load
    from nucleate.web.notebook import show

__all__ = ["Crystals", "Predictor", "__version__", "load", "show"]


def __getattr__(name: str):
    if name == "Crystals":
        from nucleate.crystals import Crystals

        return Crystals
    if name in ("Predictor", "load"):
        from nucleate import predictor

        return getattr(predictor, name)
    if name == "show":
        from nucleate.web.notebook import show

        return show
    raise AttributeError(f"module 'nucleate' has no attribute {name!r}")
