"""Offers that are the same structure become one: the first that was offered stands for all.

Offers come from the most trusted proposer to the least: exact structures of known types first, free draws last. An
offer joins the first structure that it fits (StructureMatcher's default tolerances, in both orders of the pair), or
begins a new one. Free draws are compared among themselves first: the central one of those that agree represents them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nucleate.answers.offers import Offer
from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.metrics.matching import Shapes, try_match
from nucleate.metrics.ranking import DEFAULT_TOLERANCES, RANKED, rank_by_agreement
from nucleate.metrics.reduction import Reduced, reduce_cell

DRAWN = frozenset({"free", "sequences"})
"""Proposers whose offers are samples: how many agree says something."""
SECONDS = 5.0
"""Time limit of one comparison; one that takes longer counts as different."""


@dataclass(frozen=True)
class Structure:
    """A structure with all its offers.

    Attributes:
        offers: the first one represents it.
    """

    offers: tuple[Offer, ...]

    @property
    def first(self) -> Offer:
        return self.offers[0]

    @property
    def votes(self) -> Counter[str]:
        """Number of offers by proposer."""
        return Counter(offer.by for offer in self.offers)

    @property
    def agreeing(self) -> int:
        """How many draws are this structure, whoever drew them."""
        return sum(self.votes[name] for name in DRAWN)

    @property
    def stated(self) -> float:
        """Its stated probability, NaN for none."""
        return max((one.stated for one in self.offers if one.stated is not None), default=float("nan"))

    @property
    def reported(self) -> bool:
        """Whether handbooks report it for the composition."""
        return any(offer.reported for offer in self.offers)

    @property
    def probability(self) -> float:
        """The proposers' probability: the largest of its offers."""
        return max(offer.probability for offer in self.offers)


def merged(offers: Sequence[Offer], drawn: frozenset[str]) -> list[Structure]:
    """Different structures, in the order of the first offer of each. Offers that can't be crystals are left out.

    drawn: names of proposers whose offers are samples, whose number counts as votes; offers of any other proposer
        already differ from each other.
    """
    usable = [offer for offer in offers if defect(offer.cell, RANKED) is None]
    exact = [offer for offer in usable if offer.by not in drawn]
    draws = [offer for offer in usable if offer.by in drawn]
    groups = [[offer] for offer in exact]
    for cluster in rank_by_agreement([offer.cell.to_structure() for offer in draws]) if draws else []:
        # those of sequences have their space group exactly
        members = sorted(cluster.members, key=lambda i: draws[i].by != "sequences")
        groups.append([draws[i] for i in members])
    found: list[list[Offer]] = []
    reduced: list[Reduced] = []
    for group in groups:
        cell, _ = try_match(lambda group=group: reduce_cell(group[0].cell), SECONDS)
        if cell is None:
            continue
        others = [i for i, one in enumerate(found) if group[0].by in drawn or one[0].by != group[0].by]
        place = _place(cell, reduced, others)
        if place is None:
            found.append(list(group))
            reduced.append(cell)
        else:
            found[place] += group
    return [Structure(tuple(group)) for group in found]


def joined(cells: Sequence[Cell]) -> list[list[int]]:
    """Indices of cells that are the same structure, by the first of each."""
    groups: list[list[int]] = []
    reduced: list[Reduced] = []
    alone: list[list[int]] = []
    for i, one in enumerate(cells):
        cell, _ = try_match(lambda one=one: reduce_cell(one), SECONDS)
        place = None if cell is None else _place(cell, reduced, range(len(reduced)))
        if cell is None:
            alone.append([i])
        elif place is None:
            groups.append([i])
            reduced.append(cell)
        else:
            groups[place].append(i)
    return groups + alone


def _place(cell: Reduced, reduced: Sequence[Reduced], others: Sequence[int]) -> int | None:
    """Index of the first of the others that a cell fits."""
    if not others:
        return None
    shapes = Shapes.of([reduced[i] for i in others])
    likely = DEFAULT_TOLERANCES.may_match(Shapes.of([cell] * len(others)), shapes)
    for place in np.array(others)[likely].tolist():
        pairs = ((cell, reduced[place]), (reduced[place], cell))
        if any(try_match(lambda a=a, b=b: DEFAULT_TOLERANCES.fits(a, b), SECONDS)[0] for a, b in pairs):
            return place
    return None
