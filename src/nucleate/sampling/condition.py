"""Properties that requests ask for, as inputs of a model's network."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from nucleate.arrays import Conditions
from nucleate.errors import ModelError
from nucleate.sampling.request import Request


def check_conditions(requests: Sequence[Request], names: Sequence[str]) -> None:
    """Raise ModelError where a request asks for a property that is not one of the model's `conditions`."""
    known = f"its conditions are {', '.join(names)}" if names else "it has no conditions: leave this one out"
    for request in requests:
        for name, value in request.condition:
            if name not in names:
                raise ModelError(f"this model has no condition '{name}'", known)
            if not math.isfinite(value):
                raise ModelError(f"{name} = {value} can't be asked for", "give a finite number")


def condition_in(
    requests: Sequence[Request], names: Sequence[str], device: torch.device
) -> Conditions | None:
    """A row for each request in the order of names, NaN where it asks for nothing; None for a model without names."""
    if not names:
        return None
    rows = [[dict(request.condition).get(name, math.nan) for name in names] for request in requests]
    return torch.tensor(rows, dtype=torch.float32, device=device)
