"""The answerer that comes with the package: its index of prototypes and its models, loaded when first used."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Literal

from nucleate.answers.answerer import Answerer
from nucleate.answers.budget import UNLIMITED, Budget
from nucleate.answers.draws import Draws
from nucleate.answers.offers import Offer, Proposer, Question
from nucleate.answers.retrieval import Retrieval
from nucleate.answers.settings import AnswerSettings
from nucleate.predictor.loading import FREE_MODEL, load
from nucleate.prototypes.retrieve import Prototypes
from nucleate.prototypes.shipped import COLLECTION
from nucleate.sampling.limits import Limits

SEQUENCES = "wyckoff-mp20"


def made(device: str, precision: Literal["float32", "bf16"]) -> Answerer:
    """The answerer, for `nucleate.predictor.load`."""
    prototypes = Prototypes.open()
    index = prototypes.index
    limits = Limits(frozenset(index.elements.tolist()), int(index.sizes.max()), {}, collection=COLLECTION)
    proposers = {
        "prototypes": Retrieval(prototypes),
        "free": Drawing("free", FREE_MODEL, device, precision),
        "sequences": Drawing("sequences", SEQUENCES, device, precision),
    }
    return Answerer(proposers, limits, AnswerSettings())


class Drawing(Proposer):
    """Draws of a shipped generator, which is loaded when the first one is asked for."""

    def __init__(self, name: str, generator: str, device: str, precision: Literal["float32", "bf16"]) -> None:
        self.name, self.generator, self.device = name, generator, device
        self.precision: Literal["float32", "bf16"] = precision

    @cached_property
    def draws(self) -> Draws:
        return Draws(load(self.generator, self.device, self.precision).generator, self.name)

    @property
    def identity(self) -> str:
        return self.draws.identity

    def prepare(self) -> None:
        _ = self.draws

    def offers(
        self, asked: Sequence[tuple[Question, int]], settings: AnswerSettings, seed: int,
        budget: Budget = UNLIMITED,
    ) -> list[list[Offer]]:  # fmt: skip
        if not any(number for _, number in asked):
            return [[] for _ in asked]
        return self.draws.offers(asked, settings, seed, budget)
