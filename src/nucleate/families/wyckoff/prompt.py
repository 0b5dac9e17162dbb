"""Prompts: what is asked of a Wyckoff sequence, and whether any crystal can answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nucleate.elements import MAX_ATOMIC_NUMBER, SYMBOLS
from nucleate.errors import FormulaError, StructureError
from nucleate.symmetry.holding import can_hold, most_sites
from nucleate.symmetry.wyckoff import GROUPS


@dataclass(frozen=True)
class Prompt:
    """What a sequence must be; everything that is None is free.

    Attributes:
        space_group: its number.
        counts: (atomic number, atoms) in the primitive cell, by atomic number: a formula, for the whole cell.
        atoms: in the primitive cell.
        elements: exactly these atomic numbers, each at least once.
    """

    space_group: int | None = None
    counts: tuple[tuple[int, int], ...] | None = None
    atoms: int | None = None
    elements: tuple[int, ...] | None = None

    @classmethod
    def of(
        cls,
        space_group: int | None = None,
        counts: Mapping[int, int] | None = None,
        atoms: int | None = None,
        elements: list[int] | tuple[int, ...] | None = None,
    ) -> Prompt:
        """A prompt in canonical form: elements sorted; atoms and elements left out where the formula gives them.

        Raises FormulaError where a formula contradicts the atoms or elements, and for unknown elements.
        """
        wanted = None if elements is None else tuple(sorted(set(elements)))
        for number in (*(counts or ()), *(wanted or ())):
            if not 1 <= number <= MAX_ATOMIC_NUMBER:
                raise FormulaError(f"{number} is no atomic number", f"they go from 1 to {MAX_ATOMIC_NUMBER}")
        if counts is None:
            return cls(space_group, None, atoms, wanted)
        pairs = tuple(sorted((int(number), int(count)) for number, count in counts.items() if count))
        total = sum(count for _, count in pairs)
        if atoms not in (None, total):
            raise FormulaError(
                f"the formula has {total} atoms, and {atoms} are asked for", "ask for one of both"
            )
        if wanted not in (None, tuple(number for number, _ in pairs)):
            raise FormulaError("the formula has other elements than those asked for", "ask for one of both")
        return cls(space_group, pairs)

    @property
    def total(self) -> int | None:
        """Atoms that the sequence must have; None where it is free."""
        return self.atoms if self.counts is None else sum(count for _, count in self.counts)

    def fits(self, number: int, most: int) -> bool:
        """Whether a space group holds any answer of at most `most` atoms."""
        if self.space_group not in (None, number):
            return False
        if self.counts is not None:
            return can_hold(number, dict(self.counts))
        wanted = len(self.elements or ())
        sizes = range(1, most + 1) if self.atoms is None else (self.atoms,)
        return any(most_sites(number, 0, size) >= max(wanted, 1) for size in sizes)

    def check(self, most: int) -> None:
        """Raises StructureError or FormulaError where no sequence of at most `most` atoms answers."""
        if self.space_group is not None and not 1 <= self.space_group <= GROUPS:
            raise StructureError(
                f"there is no space group {self.space_group}", f"numbers go from 1 to {GROUPS}"
            )
        total = self.total
        if total is not None and not 1 <= total <= most:
            raise FormulaError(
                f"{total} atoms are asked for, and the model knows 1 to {most}", "ask for fewer"
            )
        groups = range(1, GROUPS + 1) if self.space_group is None else (self.space_group,)
        if not any(self.fits(number, most) for number in groups):
            where = "no space group" if self.space_group is None else f"space group {self.space_group}"
            verb = "holds" if self.space_group is None else "can't hold"
            raise FormulaError(
                f"{where} {verb} {self._asked()}", "ask for more formula units, or another space group"
            )

    def _asked(self) -> str:
        if self.counts is not None:
            return "".join(f"{SYMBOLS[number]}{count if count > 1 else ''}" for number, count in self.counts)
        words = [] if self.atoms is None else [f"{self.atoms} atoms"]
        if self.elements is not None:
            words.append("the elements " + "-".join(SYMBOLS[number] for number in self.elements))
        return " with ".join(words)
