"""What requests are steered by: targets of properties with their guidance, element systems, and predictors."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nucleate.errors import FormulaError
from nucleate.predictor.pulling import Pulling
from nucleate.sampling.generator import Generator
from nucleate.sampling.limits import Limits
from nucleate.sampling.request import Request
from nucleate.sampling.systems import element_system
from nucleate.sampling.targets import conditions_for, guidance_for, named


@dataclass(frozen=True)
class Steering:
    """What is asked of crystals beside their composition.

    Attributes:
        target: values of properties by name; see `nucleate.sampling.targets`.
        guidance: weights by name, 0 for none; with (weight, from, to) between two times.
        elements: exactly these elements.
        at_most: no others than these.
        without: none of these.
        beyond: whether targets may lie outside all labels.
        pulling: values that predictors pull towards.
        tell: called with a sentence where a target lies among few labels; by default a warning of Python.
    """

    target: Mapping[str, Any] = field(default_factory=dict)
    guidance: Mapping[str, Any] = field(default_factory=dict)
    elements: Any = None
    at_most: Any = None
    without: Any = None
    beyond: bool = False
    pulling: Pulling = field(default_factory=Pulling)
    tell: Callable[[str], None] | None = None

    def __post_init__(self) -> None:
        named("target", self.target)
        named("guidance", self.guidance)

    def system(self, limits: Limits) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The elements that are allowed, and those that have to be there."""
        return element_system(self.elements, self.at_most, self.without, limits)

    def sized(self, limits: Limits, card: Mapping[str, Any]) -> Limits:
        """The limits with the sizes of the cells that the first adapter which is asked was trained on."""
        for name in self.target:
            if sizes := card.get("sizes_of", {}).get(name):
                return replace(limits, sizes={int(size): float(share) for size, share in sizes.items()})
        return limits

    def steered(self, requests: Sequence[Request], generator: Generator, seed: int) -> list[Request]:
        """The requests with all of it. Raises FormulaError and ModelError for what can't be asked."""
        model, card = generator.model, getattr(generator, "card", {})
        described = getattr(model, "described", ())
        rows, told = conditions_for(self.target, described, card, len(requests), seed, self.beyond)
        guidance = guidance_for(self.guidance, self.target)
        for text in told:
            self.tell(text) if self.tell else warnings.warn(text, stacklevel=4)
        allowed, required = self.system(generator.limits)
        if allowed:
            self._fits(requests, set(allowed))
        pulls = self.pulling.on_generator(generator, self.beyond)
        return [
            replace(
                request, condition=row, guidance=guidance, allowed=allowed, required=required, pulls=pulls
            )
            for request, row in zip(requests, rows, strict=True)
        ]

    def _fits(self, requests: Sequence[Request], allowed: set[int]) -> None:
        if any(set(request.species) - {0} - allowed for request in requests):
            raise FormulaError(
                "atoms that are given have elements outside those that are asked for",
                "name them too, or leave one of the two out",
            )
        if any(0 not in request.species for request in requests):
            raise FormulaError(
                "all species are given, and elements are asked for too", "leave one of the two out"
            )
