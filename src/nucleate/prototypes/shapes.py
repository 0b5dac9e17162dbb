"""Shapes of cells: the conventional cell of the known crystal that has most nearly the same sites.

A space group with its occupied positions leaves the shape of a cell open, and the shape decides which cell is reduced
and so in which basis a model of reduced cells knows the crystal. Known crystals on the same positions, with elements
that are alike, say most of it; where there are none, those of the same space group do.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cached_property

import numpy as np

from nucleate.prototypes.chemistry import element_distances
from nucleate.prototypes.index import Index
from nucleate.symmetry.orbits import operations
from nucleate.symmetry.sites import Sites
from nucleate.symmetry.template import averaged_lattice

_Alike = tuple[np.ndarray, np.ndarray]
"""Entries with the same letters [entries], and the species on their sites [entries, sites]."""


class Shapes:
    """The conventional cells of an index, by their sites."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._known: dict[int, dict[tuple[str, ...], _Alike]] = {}

    def cell(self, sites: Sites, volume: float) -> np.ndarray | None:
        """A conventional cell with the group's symmetry; None where no known crystal has this space group. [3, 3], Å

        Args:
            sites: canonical (`Sites.canonical`).
            volume: of the primitive cell, Å^3.
        """
        entry = self.nearest(sites)
        if entry is None:
            return None
        lattice = sites.group.to_primitive.T @ self.index.lattice[entry].astype(np.float64)
        lattice = averaged_lattice(lattice, operations(sites.number, primitive=False)[0])
        size = np.linalg.det(lattice)
        return lattice * np.sign(size) * (volume * sites.group.lattice_points / abs(size)) ** (1 / 3)

    def nearest(self, sites: Sites) -> int | None:
        """The entry of the same space group with most positions in common, and of those the one whose elements are
        most like those of the sites; the first of equals."""
        known = self._of_group(sites.number)
        if not known:
            return None
        letters = min(known, key=lambda one: _others(one, sites.letters))
        entries, species = known[letters]
        kinds = np.array(sites.species)
        if letters != sites.letters:
            kinds = np.sort(kinds)
            species = np.sort(species)[:, np.arange(len(kinds)) % species.shape[1]]
        return int(entries[element_distances()[kinds, species].mean(1).argmin()])

    def _of_group(self, number: int) -> dict[tuple[str, ...], _Alike]:
        """Entries of a space group and the species on their canonical sites, by the sites' letters."""
        if number not in self._known:
            found: dict[tuple[str, ...], list[tuple[int, tuple[int, ...]]]] = defaultdict(list)
            for entry in self._by_number.get(number, ()):
                sites = self._sites(int(entry)).canonical()
                found[sites.letters].append((int(entry), sites.species))
            self._known[number] = {
                letters: (np.array([one for one, _ in alike]), np.array([species for _, species in alike]))
                for letters, alike in found.items()
            }
        return self._known[number]

    @cached_property
    def _by_number(self) -> dict[int, np.ndarray]:
        return {int(n): np.flatnonzero(self.index.number == n) for n in np.unique(self.index.number)}

    def _sites(self, entry: int) -> Sites:
        letters, multiplicities = self.index.orbits(entry)
        roles = self.index.roles(entry)
        species = np.repeat(self.index.elements[roles], self.index.counts[roles])
        heads = np.cumsum(multiplicities) - multiplicities
        return Sites(int(self.index.number[entry]), tuple(letters), tuple(species[heads].tolist()))


def _others(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[float, int]:
    """How many positions two lists of letters have not in common, as a share, and how much their lengths differ."""
    mine, theirs = Counter(one), Counter(other)
    apart = ((mine - theirs) + (theirs - mine)).total()
    return apart / max(len(one), len(other)), abs(len(one) - len(other))
