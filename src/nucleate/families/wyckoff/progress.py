"""The state of an unfinished sequence, and which sites may follow so that it can still fulfil its prompt.

Sites are ordered by letter, those of one letter by atomic number; positions without freedom are occupied once. A site
is allowed only where the rest of the prompt still fits on the remaining positions, so no draw reaches a dead end.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.families.wyckoff.prompt import Prompt
from nucleate.symmetry.holding import can_fill, most_sites
from nucleate.symmetry.wyckoff import SpaceGroup, space_group


@dataclass(frozen=True)
class Progress:
    """A sequence up to some site.

    Attributes:
        prompt: what is asked, without its space group.
        number: of the space group.
        most: atoms that a sequence may have.
        placed: atoms so far, in the primitive cell.
        last: index of the last position, and its element; -1 and 0 before the first site.
        left: (atomic number, atoms) still to place of a formula; elements of a system with 1 until they are used.
    """

    prompt: Prompt
    number: int
    most: int
    placed: int = 0
    last: tuple[int, int] = (-1, 0)
    left: tuple[tuple[int, int], ...] = ()

    @classmethod
    def begin(cls, prompt: Prompt, number: int, most: int) -> Progress:
        left = prompt.counts
        if left is None:
            left = tuple((element, 1) for element in prompt.elements or ())
        return cls(Prompt(None, prompt.counts, prompt.atoms, prompt.elements), number, most, left=left)

    @property
    def group(self) -> SpaceGroup:
        return space_group(self.number)

    def size(self, index: int) -> int:
        """Atoms of a position in the primitive cell."""
        return self.group.positions[index].multiplicity // self.group.lattice_points

    def after(self, index: int, element: int) -> Progress:
        """The sequence with one more site."""
        used = self.size(index) if self.prompt.counts is not None else 1
        left = tuple((z, max(n - used, 0) if z == element else n) for z, n in self.left)
        return Progress(
            self.prompt, self.number, self.most, self.placed + self.size(index), (index, element), left
        )

    @cached_property
    def may_end(self) -> bool:
        """Whether the sequence may end here."""
        if not self.placed or any(count for _, count in self.left):
            return False
        return self.prompt.total in (None, self.placed)

    @cached_property
    def allowed(self) -> np.ndarray:
        """Which sites may follow: positions by elements, the latter by atomic number. [positions, elements + 1]"""
        return _allowed(self)

    def next_index(self, element: int) -> int:
        """The first position that a further site of this element may take."""
        index, latest = self.last
        if index < 0:
            return 0
        again = self.group.positions[index].freedom and element >= latest
        return index if again else index + 1

    @property
    def can_end(self) -> bool:
        """Whether the sequence, or a longer one, can still fulfil the prompt."""
        if self.prompt.counts is not None:
            return can_fill(
                self.number, tuple((count, self.next_index(z)) for z, count in self.left if count)
            )
        sizes = range(self.placed, self.most + 1) if self.prompt.total is None else (self.prompt.total,)
        return any(self._can_hold_elements(size - self.placed) for size in sizes if size >= self.placed)

    def _can_hold_elements(self, atoms: int) -> bool:
        """Whether exactly so many further atoms can include all missing elements."""
        index, latest = self.last
        missing = [z for z, count in self.left if count]
        behind = sum(z < latest for z in missing)
        if index < 0 or not self.group.positions[index].freedom:
            return most_sites(self.number, index + 1, atoms) >= len(missing)
        # The last position again, for elements that may still follow there; all later positions.
        step = self.size(index)
        return any(
            most_sites(self.number, index + 1, atoms - again * step) >= max(behind, len(missing) - again)
            for again in range(atoms // step + 1)
        )


@lru_cache(maxsize=1 << 14)
def _allowed(progress: Progress) -> np.ndarray:
    positions = len(progress.group.positions)
    allowed = np.zeros((positions, MAX_ATOMIC_NUMBER + 1), dtype=bool)
    free = progress.prompt.counts is None and progress.prompt.elements is None
    room = (progress.prompt.total or progress.most) - progress.placed
    for index in range(max(progress.last[0], 0), positions):
        if progress.size(index) > room:
            continue
        if free:
            _any_element(progress, index, allowed)
            continue
        for element, count in progress.left:
            fits = progress.prompt.counts is None or count >= progress.size(index)
            if fits and index >= progress.next_index(element):
                allowed[index, element] = progress.after(index, element).can_end
    return allowed


def _any_element(progress: Progress, index: int, allowed: np.ndarray) -> None:
    """Without elements in the prompt, an element matters only through its order."""
    first = progress.last[1] if index == progress.last[0] else 1
    if index >= progress.next_index(MAX_ATOMIC_NUMBER) and progress.after(index, MAX_ATOMIC_NUMBER).can_end:
        allowed[index, first:] = True
