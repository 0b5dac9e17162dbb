"""The answerer: a generator whose sample i of a composition is the i-th best of its different structures.

    question --proposers--> offers --merge--> structures --race--> energies --score--> answers

Exact structures of known types come first. The less certain they are, the more draws of the slower proposers are made.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import ceil

from nucleate.answers.answer import Ranked
from nucleate.answers.budget import UNLIMITED, Budget
from nucleate.answers.offers import Offer, Proposer, Question
from nucleate.answers.ranked import ranked
from nucleate.answers.settings import AnswerSettings, installed_potential
from nucleate.crystals import Crystals
from nucleate.energies.potential import Potential
from nucleate.energies.potentials import potential_named
from nucleate.sampling.generator import Answer, Cost, DrawOptions, Failure, Generated, Generator
from nucleate.sampling.limits import Limits
from nucleate.sampling.request import Request

BATCH = 16
"""Compositions answered at a time: few, so that results reach the disk often."""
SURE = 0.5
"""At this doubt or more all draws are made; at less, in proportion."""


class Answerer(Generator):
    """Different structures for a composition, best first.

    Attributes:
        name: its name in files.
        proposers: by their names; a structure that several offer is taken from the first.
        settings: the default settings.
    """

    ranked = True

    def __init__(
        self,
        proposers: Mapping[str, Proposer],
        limits: Limits,
        settings: AnswerSettings,
        name: str = "answers",
    ) -> None:
        self.proposers, self._limits, self.settings, self.name = dict(proposers), limits, settings, name

    @property
    def limits(self) -> Limits:
        return self._limits

    @property
    def identity(self) -> str:
        """Of the proposers that are asked by default."""
        return self.identity_with(None)

    def identity_with(self, settings: AnswerSettings | None) -> str:
        """Of the proposers that are asked with these settings."""
        asked = {name: self.proposers[name] for name in (settings or self.settings).propose}
        text = "\n".join(f"{name} {one.identity}" for name, one in asked.items())
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def patient_settings(self) -> AnswerSettings:
        """With a potential that relaxes the best answers, where one is installed."""
        return replace(self.settings, potential=installed_potential())

    def answers(
        self, requests: Sequence[Request], settings: AnswerSettings, seed: int, options: DrawOptions
    ) -> Iterator[list[Answer]]:
        groups: dict[Question, list[Request]] = defaultdict(list)
        for request in requests:
            groups[Question(request.species, request.units)].append(request)
        questions = list(groups)
        potential = potential_named(settings.potential) if settings.potential else None
        size = 1 if settings.seconds else BATCH
        if settings.seconds:
            self._prepare(settings, potential)
        for start in range(0, len(questions), size):
            batch: list[Answer] = []
            part, budget = questions[start : start + size], Budget(settings.seconds)
            for question, offers in zip(part, self.offers(part, settings, seed, budget), strict=True):
                found = ranked(offers, settings, potential, budget)
                batch += [_answer(request, found, offers, budget) for request in groups[question]]
            if options.on_step is not None:
                options.on_step(len(batch))
            yield batch

    def _prepare(self, settings: AnswerSettings, potential: Potential | None) -> None:
        """Load all that answers need, so that the seconds of a composition are its own."""
        for name in settings.propose:
            self.proposers[name].prepare()
        if potential is not None:
            potential.calculator()

    def offers(
        self, questions: Sequence[Question], settings: AnswerSettings, seed: int, budget: Budget = UNLIMITED
    ) -> list[list[Offer]]:
        """All offers for each question."""
        found: list[list[Offer]] = [[] for _ in questions]
        for name in settings.propose:
            most = getattr(settings, name)
            numbers = [most if name == "prototypes" else worth(most, offers) for offers in found]
            asked = list(zip(questions, numbers, strict=True))
            for offers, more in zip(
                found, self.proposers[name].offers(asked, settings, seed, budget), strict=True
            ):
                offers += more
        return found


def worth(most: int, offers: Sequence[Offer]) -> int:
    """How many draws to make, given the doubt that offers with a probability leave."""
    stated = sum(offer.stated or 0.0 for offer in offers)
    doubt = max(1.0 - sum(offer.probability for offer in offers), 0.0) * max(1.0 - stated, 0.0)
    return ceil(most * min(doubt / SURE, 1.0))


def _answer(request: Request, found: Sequence[Ranked], offers: Sequence[Offer], budget: Budget) -> Answer:
    """The answer at the request's rank. The cost is that of the whole composition, shared by its answers."""
    cost = Cost(sum(offer.nfe for offer in offers), {"proposals": len(offers)})
    if request.sample >= len(found):
        known = (
            f"{len(found)} different structures were proposed, and answer {request.sample + 1} is asked for"
        )
        nothing = f"nothing was proposed for {request.formula}: no known crystal has its stoichiometry"
        reason = known if found else f"{nothing}, and no draw of it is a crystal"
        return Failure(request, reason, cost)
    one = found[request.sample]
    cut = {"cut_short": "+".join(budget.cut)} if budget.cut else {}
    return Generated(request, Crystals.of_cells([one.cell]), cost, origin={**one.origin(), **cut})
