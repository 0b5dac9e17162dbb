"""A proposer that draws from a generator given a composition, such as a free diffusion model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nucleate.answers.budget import UNLIMITED, Budget
from nucleate.answers.offers import Offer, Proposer, Question
from nucleate.answers.settings import AnswerSettings
from nucleate.cell import Cell
from nucleate.errors import FormulaError
from nucleate.sampling.formula import formula_text, reduce_formula
from nucleate.sampling.generator import DrawOptions, Generated, Generator
from nucleate.sampling.request import Request, formula_requests

AT_A_TIME = 2
"""Draws in a batch under a budget."""


class Draws(Proposer):
    """Offers one draw for each of a number of requests, the same as the generator gives directly.

    Attributes:
        generator: draws them.
        name: the proposer's name in files.
    """

    def __init__(self, generator: Generator, name: str = "free") -> None:
        self.generator, self.name = generator, name

    @property
    def identity(self) -> str:
        return f"{self.generator.name} {self.generator.identity}"

    def offers(
        self, asked: Sequence[tuple[Question, int]], settings: AnswerSettings, seed: int,
        budget: Budget = UNLIMITED,
    ) -> list[list[Offer]]:  # fmt: skip
        wanted = [self._requests(question, number) for question, number in asked]
        places = {
            request.key: (place, i)
            for place, requests in enumerate(wanted)
            for i, request in enumerate(requests)
        }
        found: list[dict[int, Offer]] = [{} for _ in asked]
        unique = {request.key: request for requests in wanted for request in requests}
        requests, left = list(unique.values()), set(unique)
        if requests and budget.spent(self.name):
            return [[] for _ in asked]
        for batch in self.generator.draw(requests, seed=seed, options=_options(requests, budget)):
            for one in batch:
                place, i = places[one.request.key]
                if isinstance(one, Generated):
                    found[place][i] = self._offer(one)
                left.discard(one.request.key)
            if left and budget.spent(self.name):
                break
        return [[one[i] for i in sorted(one)] for one in found]

    def _requests(self, question: Question, number: int) -> list[Request]:
        """Requests; None where the generator can't take this composition."""
        if not number:
            return []
        formula = formula_text(reduce_formula(_counted(question.species))[0])
        try:
            if not question.exact:
                drawn = formula_requests([formula], number, self.generator.limits, question.units)
                return drawn[:number]
            self.generator.limits.check(formula, _counted(question.species))
        except FormulaError:
            return []
        cell = formula_text(_counted(question.species))
        return [Request(question.species, cell, formula, sample) for sample in range(number)]

    def _offer(self, one: Generated) -> Offer:
        crystal = one.crystal
        cell = Cell(
            crystal.species[0].numpy(), crystal.frac[0].double().numpy(), crystal.lattice[0].double().numpy()
        )
        return Offer(cell, self.name, nfe=one.cost.nfe)


def _options(requests: Sequence[Request], budget: Budget) -> DrawOptions:
    """Small batches under a budget, so that the clock is asked often."""
    if not budget.seconds:
        return DrawOptions()
    return DrawOptions(edges=max((AT_A_TIME * len(one.species) ** 2 for one in requests), default=1))


def _counted(species: Sequence[int]) -> Counter[int]:
    return Counter(species)
