"""Questions, and the structures that proposers offer for them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import gcd

import numpy as np

from nucleate.answers.budget import Budget
from nucleate.answers.settings import AnswerSettings
from nucleate.cell import Cell


@dataclass(frozen=True)
class Question:
    """A composition whose structure is asked for.

    Attributes:
        species: atomic numbers of the cell, or of one formula unit where `units` leaves the number open.
        units: numbers of formula units the cell may hold; None for any, empty where `species` is the whole cell.
    """

    species: tuple[int, ...]
    units: tuple[int, ...] | None = ()

    @property
    def exact(self) -> bool:
        """Whether the cell's composition is given."""
        return self.units == ()

    def allows(self, atoms: int) -> bool:
        """Whether an answer may have so many atoms."""
        if self.exact:
            return atoms == len(self.species)
        number, rest = divmod(atoms, len(self.unit))
        return not rest and (self.units is None or number in self.units)

    @property
    def unit(self) -> tuple[int, ...]:
        """Atomic numbers of one formula unit."""
        numbers, counts = np.unique(self.species, return_counts=True)
        divisor = reduce(gcd, counts.tolist())
        return tuple(np.repeat(numbers, counts // divisor).tolist())


@dataclass(frozen=True)
class Offer:
    """A structure that one proposer offers.

    Attributes:
        cell: the structure.
        by: name of the proposer.
        probability: that it is the right structure, 0 where the proposer gives none.
        prototype: name of its structure type, "" where it is not known.
        source: the known crystal that it was made from, "" for none.
        known: whether that crystal is of the same composition.
        stated: a probability that is given, not estimated, such as that of a known stable crystal; None for none.
        reported: whether handbooks report this structure for the composition.
        nfe: network evaluations it took.
    """

    cell: Cell
    by: str
    probability: float = 0.0
    prototype: str = ""
    source: str = ""
    known: bool = False
    stated: float | None = None
    reported: bool = False
    nfe: int = 0


class Proposer(ABC):
    """Offers structures for compositions. Its offers depend only on the question and the seed.

    Attributes:
        name: its name in files.
    """

    name: str

    @property
    @abstractmethod
    def identity(self) -> str:
        """What its offers depend on besides question, number and seed."""

    @abstractmethod
    def offers(
        self, asked: Sequence[tuple[Question, int]], settings: AnswerSettings, seed: int, budget: Budget
    ) -> list[list[Offer]]:
        """At most so many offers for each question, best first where it ranks them; fewer where it has no more, or
        where the budget is spent, which the budget is then told."""

    def prepare(self) -> None:  # noqa: B027 - most need nothing
        """Load what is needed, before a clock runs."""
