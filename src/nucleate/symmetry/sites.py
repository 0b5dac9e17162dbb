"""Sites: a crystal as a space group with its occupied Wyckoff positions, each with an element and free parameters."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np

from nucleate.cell import Cell
from nucleate.errors import StructureError
from nucleate.symmetry.orbits import Orbit, orbit
from nucleate.symmetry.wyckoff import SpaceGroup, space_group


@dataclass(frozen=True)
class Sites:
    """Occupied Wyckoff positions of a space group; equal where group, letters and elements are.

    Attributes:
        number: of the space group, 1 to 230.
        letters: one for each site.
        species: an atomic number for each site.
        free: the free parameters of all sites in order, None where they are not set. [free parameters]
        lattice: rows are the conventional cell's vectors, Å; None where it is not set. [3, 3]
    """

    number: int
    letters: tuple[str, ...]
    species: tuple[int, ...]
    free: np.ndarray | None = field(default=None, compare=False)
    lattice: np.ndarray | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Raises StructureError for sites that the group does not have, or a fixed point occupied twice."""
        if not self.letters or len(self.letters) != len(self.species):
            raise StructureError(f"{len(self.letters)} letters and {len(self.species)} elements are no sites")
        for letter, times in Counter(self.letters).items():
            if times > 1 and not self.group[letter].freedom:
                raise StructureError(
                    f"Wyckoff position '{letter}' of space group {self.number} has no free parameter and is "
                    f"occupied {times} times",
                    "occupy such a position once",
                )
        if self.free is not None and len(self.free) != self.freedom:
            raise StructureError(f"{len(self.free)} free parameters for sites that have {self.freedom}")

    @property
    def group(self) -> SpaceGroup:
        return space_group(self.number)

    @property
    def freedom(self) -> int:
        """Number of free parameters of all sites."""
        return sum(self.group[letter].freedom for letter in self.letters)

    @property
    def counts(self) -> dict[int, int]:
        """Atoms of each element in the primitive cell, by atomic number."""
        counts: Counter[int] = Counter()
        for letter, number in zip(self.letters, self.species, strict=True):
            counts[number] += self.group[letter].multiplicity // self.group.lattice_points
        return dict(sorted(counts.items()))

    @property
    def atoms(self) -> int:
        """Atoms in the primitive cell."""
        return sum(self.counts.values())

    def orbits(self, primitive: bool = True) -> list[Orbit]:
        """The orbit of each site in the primitive or the conventional cell."""
        return [orbit(self.number, letter, primitive) for letter in self.letters]

    def places(self, primitive: bool = True) -> np.ndarray:
        """Fractional coordinates of all atoms, site after site. [atoms, 3]

        Raises StructureError without free parameters.
        """
        if self.free is None:
            raise StructureError("the free parameters of these sites are not set", "draw them first")
        ends = np.cumsum([self.group[letter].freedom for letter in self.letters])
        parts = np.split(self.free, ends[:-1])
        return np.concatenate(
            [one.places(part) for one, part in zip(self.orbits(primitive), parts, strict=True)]
        )

    def expanded(self, primitive: bool = True) -> np.ndarray:
        """Atomic numbers of all atoms, site after site. [atoms]"""
        return np.repeat(np.array(self.species), [len(one) for one in self.orbits(primitive)])

    def cell_vectors(self, primitive: bool = True) -> np.ndarray:
        """Rows are the cell vectors, Å. [3, 3] Raises StructureError without a lattice."""
        if self.lattice is None:
            raise StructureError("the cell of these sites is not set", "give them a lattice first")
        return np.linalg.inv(self.group.to_primitive).T @ self.lattice if primitive else self.lattice

    def to_cell(self, primitive: bool = True) -> Cell:
        """The crystal. Raises StructureError without free parameters or lattice."""
        return Cell(self.expanded(primitive), self.places(primitive), self.cell_vectors(primitive))

    def sorted(self) -> Sites:
        """The same crystal, sites by letter and then atomic number; equal ones keep their order."""
        order = sorted(
            range(len(self.letters)),
            key=lambda index: (self.group.letters.index(self.letters[index]), self.species[index]),
        )
        free = self.free
        if free is not None:
            ends = np.cumsum([self.group[letter].freedom for letter in self.letters])
            parts = np.split(free, ends[:-1])
            free = np.concatenate([parts[index] for index in order])
        letters = tuple(self.letters[index] for index in order)
        species = tuple(self.species[index] for index in order)
        return replace(self, letters=letters, species=species, free=free)

    def canonical(self) -> Sites:
        """The first of all equivalent sequences under the group's Euclidean normaliser; coordinates are dropped.

        Two descriptions of one crystal that differ by a choice of origin or of axes become equal.
        """
        letters = self.group.letters
        places = [letters.index(letter) for letter in self.letters]
        best = min(
            sorted(
                (letters.index(renamed[place]), number)
                for place, number in zip(places, self.species, strict=True)
            )
            for renamed in self.group.relabellings
        )
        return Sites(
            self.number, tuple(letters[index] for index, _ in best), tuple(number for _, number in best)
        )
