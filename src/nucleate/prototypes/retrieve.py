"""Structures for a composition by retrieval: known crystals of its anonymous formula, their elements swapped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from nucleate.cell import Cell
from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.errors import FormulaError
from nucleate.prototypes.candidates import Candidates, Cells, Families, candidates_of, few_of_a_group
from nucleate.prototypes.chemistry import element_distances
from nucleate.prototypes.distinct import Distinct
from nucleate.prototypes.features import features
from nucleate.prototypes.files import read_index
from nucleate.prototypes.index import Index
from nucleate.prototypes.ranking import Ranking, load_ranking
from nucleate.prototypes.shipped import INDEX, RANKING, RANKING_OF_ANY
from nucleate.prototypes.substitute import repeated, substituted
from nucleate.prototypes.volumes import Volumes

Known = Literal["include", "other"]
LOOKED_AT = 5
"""Candidates that are looked at for each structure that is asked for, at most."""
LEAST_LOOKED_AT = 40
OF_ONE_GROUP = 3
"""Of them, how many of one prototype with the same elements in its roles: the free parameters may differ."""
VARIANT = 0.5
"""A candidate that does not stand for its group, though as near as the one that does, counts as this much of it."""
ON_HULL = 1e-3
"""eV/atom above the hull: up to here a known crystal counts as being on it."""
STABLE = 0.02
"""eV/atom above the hull: up to here a known crystal of a formula is taken to be its ground state."""


@dataclass(frozen=True, eq=False)
class Proposal:
    """A structure that a known crystal suggests.

    Attributes:
        cell: the structure. Atoms by role and orbit, in the standardised primitive cell of the known crystal, or
            several of them.
        prototype: name of the prototype (labels.py).
        space_group: its number.
        source, name: where the known crystal is from, and its name there.
        known: whether that crystal has the same formula, each element in its place.
        distance: mean distance of the elements from those they replace.
        score: the probability that the structure is the one that is asked for; without a ranking, minus the distance.
        votes: candidates that suggest the same structure, of those that were looked at.
        energy: of the known crystal above the hull, eV/atom, NaN where it is not known.
        entry: its number in the index. units: how many of its cells make the structure.
        reported: whether handbooks report this structure for the compound.
    """

    cell: Cell
    prototype: str
    space_group: int
    source: str
    name: str
    known: bool
    distance: float
    score: float
    votes: int
    energy: float
    entry: int
    units: int = 1
    reported: bool = False


class Prototypes:
    """An index with what proposing from it needs."""

    def __init__(
        self, index: Index, ranking: Ranking | None = None, ranking_of_any: Ranking | None = None
    ) -> None:
        self.index = index
        self.rankings: dict[Cells, Ranking | None] = {"same": ranking, "any": ranking_of_any or ranking}
        self.families = Families(index)
        self.volumes = Volumes.of_index(index)

    @classmethod
    def open(
        cls,
        path: Path | str | None = None,
        sources: Collection[str] | None = None,
        ranking: Path | str | None = RANKING,
    ) -> Prototypes:
        """An index with a ranking.

        Args:
            path: its file; the shipped index by default.
            sources: take entries of these alone.
            ranking: a file of 'nucleate prototypes train'; None ranks by the distance of elements alone. With the
                shipped one comes another for cells of any number of formula units.

        Raises DataError where a file is missing or broken, and for a source that the index has not.
        """
        index = read_index(INDEX if path is None else Path(path))
        index = index if sources is None else index.of_sources(sources)
        if ranking is None:
            return cls(index)
        return cls(
            index, load_ranking(Path(ranking)), load_ranking(RANKING_OF_ANY) if ranking == RANKING else None
        )

    def on(self, index: Index) -> Prototypes:
        """The same rankings on another index."""
        return Prototypes(index, self.rankings["same"], self.rankings["any"])

    def propose(
        self,
        composition: Mapping[int, int] | Sequence[int],
        k: int = 20,
        *,
        known: Known = "include",
        cells: Cells = "same",
        without: Collection[int] = (),
    ) -> list[Proposal]:
        """At most k different structures, best first; none where the index has no entry of the anonymous formula.

        Args:
            composition: atoms of each atomic number in the cell, or all atomic numbers.
            known: `include`: structures that handbooks report for the formula itself come first, then known crystals
                of it that lie within STABLE of the hull, the lowest first, as one wants who asks for NaCl; `other`: all
                known ones come last, where another polymorph is asked for.
            cells: `same`: cells of this composition (smaller ones are repeated to fill it, after those that fill it by
                themselves); `any`: cells of any number of formula units.
            without: entries that may not be used, by number.

        Raises FormulaError for what is no element, and for an empty composition.
        """
        counts = checked(composition)
        ranking = self.rankings[cells]
        distances = element_distances() if ranking is None else ranking.attention.distances
        found = candidates_of(self.families, counts, cells, distances)
        if found is None:
            return []
        if len(without):
            found = found.take(np.flatnonzero(~np.isin(found.entries, list(without))))
        scores = self._scores(found, ranking)
        order = self._order(found, scores, known)
        order = order[few_of_a_group(found, order, OF_ONE_GROUP)]
        return self._different(found, scores, order[: max(LOOKED_AT * k, LEAST_LOOKED_AT)], k)

    def _scores(self, found: Candidates, ranking: Ranking | None) -> np.ndarray:
        """The larger, the better. [candidates]"""
        if ranking is None:
            return -found.distance
        groups = features(found, self.index, ranking.attention, self.volumes)
        scores = ranking.probability(groups.numbers)[groups.of]
        logits = ranking.attention.logits(found, self.index.energy[found.entries])
        behind = np.ones(len(found), dtype=bool)
        behind[groups.best] = False
        return scores * np.where(behind, VARIANT * np.exp(logits - logits[groups.best][groups.of]), 1.0)

    def _order(self, found: Candidates, scores: np.ndarray, known: Known) -> np.ndarray:
        """Best first; candidates of one score by energy above the hull."""
        energy = np.nan_to_num(self.index.energy[found.entries], nan=1.0)
        if known == "other":
            return np.lexsort((energy, -scores, found.units > 1, found.known))
        reported = np.where(found.known, self.index.reported[found.entries], 0)
        ground_state = found.known & (energy <= STABLE)
        # of several that are reported the one that is on the hull, else the one that was reported first
        on_hull = np.isin(found.group, found.group[found.known & (energy <= ON_HULL)])
        early = np.where(reported > 0, np.where(on_hull, 0, reported), 0)
        first = np.select([reported > 0, ground_state], [-2, -1], 0)
        return np.lexsort((energy, np.where(first < 0, 0, -scores), early, found.units > 1, first))

    def _different(self, found: Candidates, scores: np.ndarray, order: np.ndarray, k: int) -> list[Proposal]:
        distinct, chosen = Distinct(), []
        votes: list[int] = []
        for place in order.tolist():
            where, new = distinct.place(int(found.group[place]), self._cell(found, place))
            if new:
                if len(chosen) == k:
                    break
                chosen.append(place)
                votes.append(1)
            elif where >= 0:
                votes[where] += 1
        cells = zip(chosen, distinct.cells, votes, strict=False)
        return [self._proposal(found, place, scores, cell, number) for place, cell, number in cells]

    def _cell(self, found: Candidates, place: int) -> Cell:
        cell = self.index.cell(int(found.entries[place]))
        cell = substituted(cell, found.old[place], found.elements[place], self.volumes)
        return repeated(cell, int(found.units[place]))

    def _proposal(
        self, found: Candidates, place: int, scores: np.ndarray, cell: Cell, votes: int
    ) -> Proposal:
        entry = int(found.entries[place])
        return Proposal(
            cell, str(self.index.label[entry]), int(self.index.number[entry]), str(self.index.source[entry]),
            self.index.names[entry], bool(found.known[place]), float(found.distance[place]), float(scores[place]),
            votes, float(self.index.energy[entry]), entry, int(found.units[place]),
            bool(found.known[place] and self.index.reported[entry]),
        )  # fmt: skip


def checked(composition: Mapping[int, int] | Sequence[int]) -> Counter[int]:
    """Atoms of each element. Raises FormulaError for what is no element, and for an empty composition."""
    counts = Counter({int(z): int(n) for z, n in Counter(composition).items() if n})
    if not counts:
        raise FormulaError(
            "a composition without atoms was given", "give for example {11: 1, 17: 1} for NaCl"
        )
    for number in counts:
        if not 1 <= number <= MAX_ATOMIC_NUMBER:
            raise FormulaError(
                f"{number} is no atomic number of an element", f"give numbers from 1 to {MAX_ATOMIC_NUMBER}"
            )
    return counts
