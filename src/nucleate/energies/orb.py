"""ORB (Rhodes et al., arXiv 2504.06231) as one call that gives an ASE calculator; its package needs two."""

from __future__ import annotations

from importlib import import_module
from typing import Any

CALCULATORS = ("orb_models.forcefield.inference.calculator", "orb_models.forcefield.calculator")
"""Where the package keeps its calculator, newest version first."""


def calculator(model: str, device: str, precision: str) -> Any:
    """A calculator of a pretrained model. Raises ImportError where the package is not installed."""
    pretrained = import_module("orb_models.forcefield.pretrained")
    made = getattr(pretrained, model)(device=device, precision=precision)
    # versions from 0.6 on give the model with what turns atoms into its graphs
    network, *adapter = made if isinstance(made, tuple) else (made,)
    return _class()(network, *adapter, device=device)


def _class() -> Any:
    for module in CALCULATORS:
        try:
            return import_module(module).ORBCalculator
        except ImportError:
            continue
    raise ImportError("orb_models has no ORBCalculator")
