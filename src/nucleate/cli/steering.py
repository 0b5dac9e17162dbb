"""What --target, --guidance, --towards and the options for elements ask for."""

from __future__ import annotations

from nucleate.cli.console import warn
from nucleate.cli.options import refuse_unread
from nucleate.errors import FormulaError
from nucleate.predictor.pulling import Pulling
from nucleate.predictor.steer import Steering
from nucleate.sampling.targets import pairs


def steering_of(
    target: list[str] | None, guidance: list[str] | None, beyond: bool = False, elements: str | None = None,
    at_most: str | None = None, without: str | None = None, pulling: Pulling = Pulling(),
) -> Steering:  # fmt: skip
    """The options as one value. Raises FormulaError for a text that is not NAME=VALUE."""
    targets, weights = pairs(target, "--target"), pairs(guidance, "--guidance")
    return Steering(targets, weights, elements, at_most, without, beyond, pulling, warn)


def pulling_of(
    towards: list[str] | None, pull: list[str] | None, on: str, predictors: list[str] | None
) -> Pulling:
    """The options of predictors that pull as one value. Raises FormulaError for what can't be read."""
    if on not in ("clean", "noised"):
        raise FormulaError(f"--pull-on {on} is no view of a crystal", "write clean or noised")
    asked, weights = pairs(towards, "--towards"), pairs(pull, "--pull")
    if not asked:
        refuse_unread("without --towards", {"--predictor": (predictors or [None])[0]})
        refuse_unread("without --towards", {"--pull-on": None if on == "clean" else on})
    return Pulling(asked, weights, on, predictors or [])
