"""Generators whose crystals come from trained weights: what all of them have, whatever the model."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from nucleate.sampling.generator import Generator
from nucleate.sampling.limits import Limits


class LearnedGenerator(Generator):
    """A model with its weights' checksum and its card.

    Attributes:
        card: what the model's folder says of it.
    """

    card: Mapping[str, Any]

    def __init__(self, name: str, identity: str, model: Any, settings: Any, card: Mapping[str, Any]) -> None:
        self.name, self._identity, self.model, self.card = name, identity, model, card
        self.settings = settings

    @property
    def identity(self) -> str:
        """Checksum of the weights."""
        return self._identity

    @cached_property
    def limits(self) -> Limits:
        """Elements and sizes that the model was trained on. Raises ModelError where the card does not say."""
        return Limits.of_card(self.card)
