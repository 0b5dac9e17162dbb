"""Ranges on the command line: MIN:MAX, either side may be left out."""

from __future__ import annotations

from math import inf, isnan

from nucleate.errors import DataError


def read_span(text: str, option: str) -> tuple[float, float]:
    """'1:20' -> (1, 20), ':20' -> (-inf, 20), '5' -> (5, 5). Raises DataError for anything else."""
    least, colon, most = text.partition(":")
    try:
        low = float(least) if least.strip() else -inf
        high = (float(most) if most.strip() else inf) if colon else low
    except ValueError:
        low = high = float("nan")
    if isnan(low) or isnan(high) or low > high or not text.strip(" :"):
        raise DataError(f"{option} {text!r} is not a range", f"write MIN:MAX, for example {option} 1:20")
    return low, high
