"""Use from Python: load a model, predict structures. Nothing heavy is imported until it is needed.

>>> import nucleate
>>> model = nucleate.load("kldm-mp20-csp")
>>> structures = model.predict("SrTiO3", n=20, seed=0)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nucleate.predictor.draw import Predictor
    from nucleate.predictor.loading import DEFAULT_MODEL, load

__all__ = ["DEFAULT_MODEL", "Predictor", "load"]


def __getattr__(name: str):
    if name in __all__:
        from nucleate.predictor import loading

        return getattr(loading, name)
    raise AttributeError(f"module 'nucleate.predictor' has no attribute {name!r}")
