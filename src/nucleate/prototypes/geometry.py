"""Entries of an index prepared for the matcher: each reduced once, elements swapped on demand."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from nucleate.metrics.matching import Matcher, Shapes, try_match
from nucleate.metrics.reduction import Reduced, reduce_cell
from nucleate.prototypes.candidates import Candidates
from nucleate.prototypes.index import Index

SECONDS = 2.0
"""Time limit of one reduction or comparison; one that takes longer counts as no match."""
KEPT = 16384
"""Reduced cells kept in memory, a few kilobytes each."""


class Geometry:
    """The reduced cells of an index. Matches do not depend on volumes, so these are not rescaled."""

    def __init__(self, index: Index, matcher: Matcher | None = None) -> None:
        self.index, self.matcher = index, matcher or Matcher()
        self.reduced = lru_cache(maxsize=KEPT)(self._reduce)

    def candidate(self, found: Candidates, place: int) -> Reduced | None:
        """A candidate with its new elements, None where its cell can't be reduced."""
        reduced = self.reduced(int(found.entries[place]))
        if reduced is None:
            return None
        species = np.zeros_like(reduced.species)
        for one, other in zip(found.old[place], found.elements[place], strict=True):
            species[reduced.species == one] = other
        return replace(reduced, species=species, composition=np.sort(species).astype(np.int16).tobytes())

    def match(self, one: Reduced | None, other: Reduced | None) -> bool:
        """Whether two crystals match by their RMS displacement."""
        if one is None or other is None:
            return False
        return try_match(lambda: self.matcher.rms(one, other), SECONDS)[0] is not None

    def agreeing(self, found: Candidates, places: np.ndarray) -> np.ndarray:
        """Which of these candidates match one another; each matches itself. [places, places]"""
        agree = np.eye(len(places), dtype=bool)
        cells = [self.candidate(found, place) for place in places.tolist()]
        sound = [i for i, cell in enumerate(cells) if cell is not None]
        for i in sound:
            others = [j for j in sound if j > i]
            if not others:
                continue
            one = cells[i]
            assert one is not None
            shapes = Shapes.of([cell for j in others if (cell := cells[j]) is not None])
            may = self.matcher.may_match(Shapes.of([one] * len(others)), shapes)
            for j, possible in zip(others, may.tolist(), strict=True):
                agree[i, j] = agree[j, i] = possible and self.match(one, cells[j])
        return agree

    def _reduce(self, entry: int) -> Reduced | None:
        return try_match(lambda: reduce_cell(self.index.cell(entry)), SECONDS)[0]
