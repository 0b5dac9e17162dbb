"""The answerer that comes with the package: its index of prototypes and its free model, both loaded when first used."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Literal

from nucleate.answers.answerer import Answerer
from nucleate.answers.draws import Draws
from nucleate.answers.offers import Offer, Proposer, Question
from nucleate.answers.retrieval import Retrieval
from nucleate.answers.settings import AnswerSettings
from nucleate.predictor.loading import FREE_MODEL, load
from nucleate.prototypes.retrieve import Prototypes
from nucleate.prototypes.shipped import COLLECTION
from nucleate.sampling.limits import Limits


def made(device: str, precision: Literal["float32", "bf16"]) -> Answerer:
    """The answerer, for `nucleate.predictor.load`."""
    prototypes = Prototypes.open()
    index = prototypes.index
    limits = Limits(frozenset(index.elements.tolist()), int(index.sizes.max()), {}, collection=COLLECTION)
    proposers = {"prototypes": Retrieval(prototypes), "free": Free(device, precision)}
    return Answerer(proposers, limits, AnswerSettings())


class Free(Proposer):
    """Draws of the shipped free model, which is loaded when the first one is asked for."""

    name = "free"

    def __init__(self, device: str, precision: Literal["float32", "bf16"]) -> None:
        self.device = device
        self.precision: Literal["float32", "bf16"] = precision

    @cached_property
    def draws(self) -> Draws:
        return Draws(load(FREE_MODEL, self.device, self.precision).generator)

    @property
    def identity(self) -> str:
        return self.draws.identity

    def offers(
        self, asked: Sequence[tuple[Question, int]], settings: AnswerSettings, seed: int
    ) -> list[list[Offer]]:
        if not any(number for _, number in asked):
            return [[] for _ in asked]
        return self.draws.offers(asked, settings, seed)
