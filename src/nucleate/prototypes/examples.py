"""Examples to learn ranking from: entries of an index as questions, and which candidates for them match.

Each question is an entry that is left out of the index; its answer is the entry itself. Verdicts are those of the CSP
match rate (StructureMatcher, tolerances 0.3, 0.5, 10 degrees), which do not depend on volumes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nucleate.cell import Cell
from nucleate.prototypes.candidates import Candidates, Cells, Families, candidates_of, few_of_a_group
from nucleate.prototypes.chemistry import element_distances
from nucleate.prototypes.distinct import alike
from nucleate.prototypes.geometry import Geometry


@dataclass(frozen=True, eq=False)
class Example:
    """A question with its candidates.

    Attributes:
        entry: the entry asked for.
        candidates: the judged ones, nearest elements first.
        matches: whether each is the structure of the entry. [candidates]
    """

    entry: int
    candidates: Candidates
    matches: np.ndarray


class Examiner:
    """Judges the candidates for entries of an index: in cells of as many atoms, or of any number of formula units."""

    def __init__(
        self, families: Families, cells: Cells = "same", judged: int = 40, of_one_group: int = 2
    ) -> None:
        self.families, self.index = families, families.index
        self.cells: Cells = cells
        self.judged, self.of_one_group = judged, of_one_group
        self.geometry = Geometry(self.index)

    def examples(self, entries: np.ndarray) -> Iterator[Example]:
        """One example for each entry that has candidates besides itself."""
        for entry in entries.tolist():
            if (found := self.candidates(entry)) is not None:
                yield Example(entry, found, self.verdicts(entry, found))

    def candidates(self, entry: int) -> Candidates | None:
        """The candidates to judge, the entry itself left out."""
        found = others(self.families, entry, self.cells, element_distances())
        order = np.argsort(found.distance, kind="stable")
        order = order[few_of_a_group(found, order, self.of_one_group)][: self.judged]
        return found.take(order) if len(order) else None

    def verdicts(self, entry: int, found: Candidates) -> np.ndarray:
        """Which candidates match the entry. [candidates]"""
        truth = self.geometry.reduced(entry)
        matches = np.zeros(len(found), dtype=bool)
        if truth is None:
            return matches
        seen: dict[int, list[tuple[int, Cell]]] = {}
        for place in range(len(found)):
            key = int(found.group[place])
            cell = self._cell(found, place)
            twin = next((one for one, other in seen.get(key, []) if alike(cell, other)), None)
            if twin is not None:
                matches[place] = matches[twin]
                continue
            seen.setdefault(key, []).append((place, cell))
            matches[place] = self.geometry.match(self.geometry.candidate(found, place), truth)
        return matches

    def _cell(self, found: Candidates, place: int) -> Cell:
        entry = int(found.entries[place])
        counts = self.index.counts[self.index.roles(entry)]
        return self.index.cell(entry)._replace(species=np.repeat(found.elements[place], counts))


def others(families: Families, entry: int, cells: Cells, distances: np.ndarray) -> Candidates:
    """The candidates for the composition of an entry, itself left out. distances: of every two atomic numbers."""
    roles = families.index.roles(entry)
    elements, counts = families.index.elements[roles].tolist(), families.index.counts[roles].tolist()
    found = candidates_of(families, dict(zip(elements, counts, strict=True)), cells, distances)
    assert found is not None
    return found.take(np.flatnonzero((found.entries != entry) & (found.units == 1)))
