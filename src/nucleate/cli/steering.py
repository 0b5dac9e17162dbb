"""What --target, --guidance and the options for elements ask for."""

from __future__ import annotations

from nucleate.cli.console import warn
from nucleate.predictor.steer import Steering
from nucleate.sampling.targets import pairs


def steering_of(
    target: list[str] | None, guidance: list[str] | None, beyond: bool = False, elements: str | None = None,
    at_most: str | None = None, without: str | None = None,
) -> Steering:  # fmt: skip
    """The options as one value. Raises FormulaError for a text that is not NAME=VALUE."""
    targets, weights = pairs(target, "--target"), pairs(guidance, "--guidance")
    return Steering(targets, weights, elements, at_most, without, beyond, warn)
