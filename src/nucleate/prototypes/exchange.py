"""New crystals from known ones by symmetry-aware partial substitution (SAPS of GNoME: Merchant et al., Nature 624, 80).

One draw: a known crystal, one or two of its elements, another element for each, and how many of its atoms are
replaced: all of them, some of its Wyckoff orbits, or any number of its atoms; choices that symmetry turns into one
another count once. The composition must differ, and the cell is scaled by fitted elemental volumes. GNoME enumerates
all choices; here they are drawn at random, so that draws never run out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nucleate.cell import Cell
from nucleate.elements import SYMBOLS
from nucleate.errors import RecipeError
from nucleate.prototypes.entry import Entry, describe
from nucleate.prototypes.groupings import first_of_its_kind
from nucleate.prototypes.index import Index
from nucleate.prototypes.ions import HEAVIEST, Ions
from nucleate.prototypes.labels import automorphisms
from nucleate.prototypes.substitute import rescaled
from nucleate.prototypes.volumes import Volumes
from nucleate.settings import within


@dataclass(frozen=True)
class ExchangeSettings:
    """How crystals are made from known ones.

    Attributes:
        charges: replace ions by ions of the same charge, in crystals that can be neutral; else elements by elements.
        partial: what may be replaced besides all atoms of an element: some of its `orbits`, any of its `atoms`, `none`.
        whole: probability that all atoms of an element are replaced, where there is a choice.
        two: probability that two elements are replaced, where there are two.
        threshold: least substitution probability.
        new: whether formulas of the index are left out.
        sources: sources of the index to use; all by default.
        tries: draws for one crystal before giving up.
    """

    charges: bool = False
    partial: Literal["orbits", "atoms", "none"] = "atoms"
    whole: float = 0.5
    two: float = 0.3
    threshold: float = 1e-3
    new: bool = True
    sources: tuple[str, ...] = ()
    tries: int = 100

    def __post_init__(self) -> None:
        within(self, 0, 1, "whole two threshold", error=RecipeError)
        within(self, 1, 10**6, "tries", error=RecipeError)


@dataclass(frozen=True, eq=False)
class Exchanged:
    """A crystal that was made from a known one.

    Attributes:
        entry: its description: prototype, orbits, standardised primitive cell.
        parent: number of the known crystal in the index.
        replaced: number of atoms whose element was replaced.
        key: the same for the same prototype with the same elements in its roles.
    """

    entry: Entry
    parent: int
    replaced: int
    key: str


class Exchange:
    """Draws new crystals from an index."""

    def __init__(self, index: Index, ions: Ions, volumes: Volumes, settings: ExchangeSettings) -> None:
        self.index, self.ions, self.volumes, self.settings = index, ions, volumes, settings
        self._formulas = {_formula(index, entry) for entry in range(len(index))} if settings.new else set()

    def draw(
        self, parents: np.ndarray, random: np.random.Generator,
        allowed: Collection[int] = (), required: Collection[int] = (),
    ) -> Exchanged | None:  # fmt: skip
        """One crystal from one of these entries, None where all tries fail.

        allowed: atomic numbers that it may have, empty for any; required: those of them that have to be there.
        """
        for _ in range(self.settings.tries):
            parent = int(parents[random.integers(len(parents))])
            if (found := self._try(parent, random, allowed, required)) is not None:
                return found
        return None

    def near(self, parents: np.ndarray, allowed: Collection[int]) -> np.ndarray:
        """Those of the entries that at most two exchanges bring to the allowed elements."""
        strange = np.logical_not(np.isin(self.index.elements, sorted(allowed))).astype(int)
        return parents[np.add.reduceat(strange, self.index.role_offsets[:-1])[parents] <= 2]

    def _try(
        self, parent: int, random: np.random.Generator, allowed: Collection[int], required: Collection[int]
    ) -> Exchanged | None:
        cell = self.index.cell(parent)
        if cell.species.max() > HEAVIEST:
            return None
        if allowed:
            species = self._exchanged_within(cell, parent, random, allowed)
        else:
            species = self._exchanged(cell, parent, random)
        if species is None or not set(required) <= set(species.tolist()):
            return None
        new = Cell(species, cell.frac, cell.lattice)
        if new.formula == cell.formula or new.formula in self._formulas:
            return None
        entry = describe(rescaled(new, cell.species, self.volumes), energy=np.nan)
        if entry is None or len(entry.cell.species) != len(species):
            return None
        alike = (tuple(entry.elements[i] for i in order) for order in automorphisms(entry.label))
        key = f"{entry.label}:{'-'.join(SYMBOLS[z] for z in min(alike))}"
        return Exchanged(entry, parent, int((species != cell.species).sum()), key)

    def _exchanged(self, cell: Cell, parent: int, random: np.random.Generator) -> np.ndarray | None:
        """The new species, None where no element may replace the drawn one."""
        counts = Counter(cell.species.tolist())
        charges = self.ions.charges(counts) if self.settings.charges else {}
        if charges is None:
            return None
        olds = list(counts)
        number = 2 if len(olds) > 1 and random.random() < self.settings.two else 1
        species = cell.species.copy()
        for old in random.permutation(olds)[:number].tolist():
            news, shares = self.ions.instead_of(old, charges.get(old), self.settings.threshold)
            if not len(news):
                return None
            new = int(news[np.searchsorted(np.cumsum(shares)[:-1], random.random(), side="right")])
            species[self._atoms(cell, parent, old, random)] = new
        return species

    def _exchanged_within(
        self, cell: Cell, parent: int, random: np.random.Generator, allowed: Collection[int]
    ) -> np.ndarray | None:
        """As `_exchanged`: strange elements are replaced as a whole, or a part of one that is allowed."""
        counts = Counter(cell.species.tolist())
        charges = self.ions.charges(counts) if self.settings.charges else {}
        if charges is None:
            return None
        strange = [z for z in counts if z not in allowed]
        species = cell.species.copy()
        for old in strange or [int(random.choice(list(counts)))]:
            news, shares = self.ions.instead_of(old, charges.get(old), self.settings.threshold)
            kept = np.isin(news, sorted(allowed))
            if not kept.any():
                return None
            edges = np.cumsum(shares[kept] / shares[kept].sum())[:-1]
            new = int(news[kept][np.searchsorted(edges, random.random(), side="right")])
            species[cell.species == old if strange else self._atoms(cell, parent, old, random)] = new
        return species

    def _atoms(self, cell: Cell, parent: int, old: int, random: np.random.Generator) -> np.ndarray:
        """Which atoms of an element are replaced; of equivalent choices always the same one."""
        own = np.flatnonzero(cell.species == old)
        partial = self.settings.partial
        if partial == "none" or len(own) == 1 or random.random() < self.settings.whole:
            return own
        if partial == "orbits":
            _, sizes = self.index.orbits(parent)
            orbit = np.repeat(np.arange(len(sizes)), sizes)
            orbits = np.unique(orbit[own])
            taken = random.permutation(orbits)[: random.integers(1, len(orbits) + 1)]
            return np.flatnonzero(np.isin(orbit, taken))
        chosen = random.permutation(own)[: random.integers(1, len(own))]
        return np.array(first_of_its_kind(chosen, self.index.template(parent).images))


def _formula(index: Index, entry: int) -> tuple[tuple[int, int], ...]:
    """As `Cell.formula`."""
    roles = index.roles(entry)
    elements, counts = index.elements[roles], index.counts[roles]
    divisor = int(np.gcd.reduce(counts))
    return tuple(sorted((int(z), int(n) // divisor) for z, n in zip(elements, counts, strict=True)))
