"""Known crystals of the same anonymous formula, elements swapped, as a proposer. This is retrieval, not generation."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

from nucleate.answers.budget import UNLIMITED, Budget
from nucleate.answers.offers import Offer, Proposer, Question
from nucleate.answers.settings import AnswerSettings
from nucleate.prototypes.retrieve import ON_HULL, STABLE, Proposal, Prototypes

KNOWN, DISPUTED = 0.95, 0.5
"""Stated, not fitted: that the best known crystal of the composition itself is in question, and that it is where it
lies above the hull or where handbooks report others too."""


class Retrieval(Proposer):
    """Offers what an index of prototypes suggests."""

    name = "prototypes"

    def __init__(self, prototypes: Prototypes) -> None:
        self.prototypes = prototypes
        self._by_sources: dict[tuple[str, ...], Prototypes] = {(): prototypes}

    @property
    def identity(self) -> str:
        """A checksum of the index and the rankings."""
        index, rankings = self.prototypes.index, self.prototypes.rankings
        digest = hashlib.sha256("\n".join([*index.names, *index.source.tolist()]).encode())
        digest.update(index.frac.tobytes() + index.lattice.tobytes() + index.reported.tobytes())
        for ranking in rankings.values():
            if ranking is not None:
                digest.update(np.concatenate([ranking.hidden.ravel(), ranking.out.ravel()]).tobytes())
        return digest.hexdigest()[:16]

    def offers(
        self, asked: Sequence[tuple[Question, int]], settings: AnswerSettings, seed: int,
        budget: Budget = UNLIMITED,
    ) -> list[list[Offer]]:  # fmt: skip
        """Raises DataError for a source that the index has not."""
        if settings.sources not in self._by_sources:
            chosen = self.prototypes.index.of_sources(settings.sources)
            self._by_sources[settings.sources] = self.prototypes.on(chosen)
        prototypes = self._by_sources[settings.sources]
        return [_offers(prototypes, question, number, settings) for question, number in asked]


def _offers(prototypes: Prototypes, question: Question, number: int, settings: AnswerSettings) -> list[Offer]:
    if not number:
        return []
    unit = Counter(question.unit)
    if question.exact:
        found = prototypes.propose(Counter(question.species), number, known=settings.known)
    elif question.units is None:
        found = prototypes.propose(unit, number, known=settings.known, cells="any")
    else:
        found = []
        for units in question.units:
            cell = Counter({z: n * units for z, n in unit.items()})
            found += prototypes.propose(cell, number, known=settings.known)
        first = -1 if settings.known == "include" else 1
        found = sorted(found, key=lambda one: (first * one.known, first * one.reported, -one.score))[:number]
    total = max(sum(max(one.score, 0.0) for one in found), 1.0)
    stated = _stated(found) if found and settings.known == "include" else None
    offers = []
    for place, one in enumerate(found):
        probability, source = max(one.score, 0.0) / total, f"{one.source}:{one.name}"
        given = None if place else stated
        offers.append(
            Offer(
                one.cell, Retrieval.name, probability, one.prototype, source, one.known, given, one.reported
            )
        )
    return offers


def _stated(found: Sequence[Proposal]) -> float | None:
    """Of the best known crystal of the composition, which comes first if it is reported or nearly stable."""
    first = found[0]
    if first.reported:
        return DISPUTED if any(one.reported for one in found[1:]) else KNOWN
    if not first.known or not first.energy <= STABLE:
        return None
    return KNOWN if first.energy <= ON_HULL else DISPUTED
