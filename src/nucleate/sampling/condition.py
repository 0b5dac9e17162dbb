"""Properties that requests ask for, as inputs of a model's network."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from nucleate.arrays import Conditions
from nucleate.data.described import Described
from nucleate.errors import ModelError
from nucleate.sampling.request import Request

MOST_WEIGHT = 100.0

Reading = Sequence[tuple[str, Described]]


def check_conditions(requests: Sequence[Request], names: Sequence[str], described: Reading = ()) -> None:
    """Raise ModelError where a request asks for a property that is not one of the model's `conditions`, or of one for
    what it can't have, and for guidance of what is not asked or of a weight that can't be."""
    known = f"its conditions are {', '.join(names)}" if names else "it has no conditions: leave this one out"
    kinds = dict(described)
    for request in requests:
        for name, value in request.condition:
            if name not in names:
                raise ModelError(f"this model has no condition '{name}'", known)
            elements = isinstance(value, tuple)
            if elements != (name in kinds and kinds[name].kind == "elements"):
                needed = "numbers of elements" if not elements else "one number"
                raise ModelError(f"{name} = {value} can't be asked for", f"give {needed}")
            if not elements and not math.isfinite(value):
                raise ModelError(f"{name} = {value} can't be asked for", "give a finite number")
        asked = dict(request.condition)
        for name, weight, begin, end in request.guidance:
            if name not in asked:
                raise ModelError(
                    f"guidance of {name}, for which nothing is asked", f"give --target {name}=VALUE too"
                )
            if not (0 <= weight <= MOST_WEIGHT and 0 <= begin < end <= 1):
                raise ModelError(
                    f"guidance of {name} with weight {weight:g} from t = {begin:g} to {end:g}",
                    f"give a weight from 0 to {MOST_WEIGHT:g}, and times from 0 to 1",
                )


def condition_in(
    requests: Sequence[Request], names: Sequence[str], device: torch.device, described: Reading = ()
) -> Conditions | None:
    """A row for each request in the order of names, NaN where it asks for nothing; None for a model without names."""
    if not names:
        return None
    kinds = dict(described)
    rows = [
        [number for name in names for number in _columns(dict(request.condition).get(name), kinds.get(name))]
        for request in requests
    ]
    return torch.tensor(rows, dtype=torch.float32, device=device)


def _columns(value: float | tuple[int, ...] | None, one: Described | None) -> list[float]:
    """One condition of one request in the columns of a batch."""
    width = 1 if one is None else one.width
    if value is None:
        return [math.nan] * width
    if isinstance(value, tuple):
        return [float(number + 1 in value) for number in range(width)]
    return [value]
