"""Known crystals of the same anonymous formula, elements swapped, as a proposer. This is retrieval, not generation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from nucleate.answers.offers import Offer, Proposer, Question
from nucleate.prototypes.retrieve import Proposal, Prototypes


class Retrieval(Proposer):
    """Offers what an index of prototypes suggests.

    known: see `nucleate.answers.settings.AnswerSettings`.
    """

    name = "prototypes"

    def __init__(self, prototypes: Prototypes, known: Literal["include", "other"] = "include") -> None:
        self.prototypes, self.known = prototypes, known

    @property
    def identity(self) -> str:
        return f"{self.prototypes.identity} {self.known}"

    def offers(self, asked: Sequence[tuple[Question, int]], seed: int) -> list[list[Offer]]:
        return [self._offers(question, number) for question, number in asked]

    def _offers(self, question: Question, number: int) -> list[Offer]:
        if not number:
            return []
        unit = Counter(question.unit)
        if question.exact:
            found = self.prototypes.propose(Counter(question.species), number, known=self.known)
        elif question.units is None:
            found = self.prototypes.propose(unit, number, known=self.known, cells="any")
        else:
            found = []
            for units in question.units:
                cell = Counter({z: n * units for z, n in unit.items()})
                found += self.prototypes.propose(cell, number, known=self.known)
            found = sorted(found, key=lambda one: -one.probability)[:number]
        return [_offer(one) for one in found]


def _offer(one: Proposal) -> Offer:
    return Offer(
        one.cell, Retrieval.name, getattr(one,"probability",0.0), one.prototype, f"{one.source}:{one.name}", one.known
    )
