"""An index of prototypes: the crystals of a data set as entries, in the columns of one parquet file.

Columns: `material_id`, `source`, `prototype` (its name, which begins with the anonymous formula), `space_group`,
`elements` and `counts` (by role: atomic numbers, and atoms in the primitive cell), `letters` (Wyckoff letters, one per
orbit), `orbits` (by orbit: atoms in the primitive cell), `frac` (3 numbers per atom, by role and orbit), `lattice` (9
numbers, row by row, Å), `energy_above_hull` (eV/atom, NaN where it is not known), `reported` (0, or the place among the
structures that handbooks report for the compound). Positions and cells are those of a
standardised primitive cell in single precision; `Index.cell` makes their symmetry exact again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from nucleate.cell import Cell
from nucleate.data.table import CrystalTable
from nucleate.errors import DataError
from nucleate.prototypes.entry import Entry, describe
from nucleate.prototypes.shipped import STANDS_FOR
from nucleate.symmetry.operations import operations_of_number
from nucleate.symmetry.template import Template
from nucleate.work import Work

ENERGIES = ("e_above_hull", "energy_above_hull")
"""Column names for the energy above the hull in data sets, eV/atom."""


@dataclass(frozen=True, eq=False)
class Index:
    """Entries in columns.

    Attributes:
        names: names of the crystals. [entries]
        source: the data they are from. [entries], strings
        label: names of the prototypes. [entries], strings
        number: of the space groups. [entries]
        elements: atomic numbers by role, one entry after another. [roles of all]
        counts: atoms of each role in the cell. [roles of all]
        role_offsets: entry i owns roles role_offsets[i] to role_offsets[i + 1]. [entries + 1]
        letters: Wyckoff letters, one per orbit. [entries], strings
        multiplicities: atoms of each orbit in the cell. [orbits of all]
        orbit_offsets: as role_offsets. [entries + 1]
        frac: fractional coordinates. [atoms of all, 3], float32
        atom_offsets: as role_offsets. [entries + 1]
        lattice: rows are the cell vectors, Å. [entries, 3, 3], float32
        energy: above the hull, eV/atom. [entries], float32
        reported: 0, or that handbooks report this structure for this compound, the smaller the earlier. [entries]
    """

    names: list[str]
    source: np.ndarray
    label: np.ndarray
    number: np.ndarray
    elements: np.ndarray
    counts: np.ndarray
    role_offsets: np.ndarray
    letters: list[str]
    multiplicities: np.ndarray
    orbit_offsets: np.ndarray
    frac: np.ndarray
    atom_offsets: np.ndarray
    lattice: np.ndarray
    energy: np.ndarray
    reported: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def of_entries(cls, entries: Sequence[Entry]) -> Index:
        """From entries. Raises DataError without any."""
        if not entries:
            raise DataError(
                "no crystal of the data can be an entry of an index", "give crystals with a space group"
            )
        counts = [[int((e.cell.species == z).sum()) for z in e.elements] for e in entries]
        return cls(
            [e.name for e in entries],
            np.array([e.source for e in entries]),
            np.array([e.label for e in entries]),
            np.array([e.number for e in entries]),
            np.array([z for e in entries for z in e.elements]),
            np.array([n for one in counts for n in one]),
            offsets_of([len(e.elements) for e in entries]),
            [e.letters for e in entries],
            np.array([m for e in entries for m in e.multiplicities]),
            offsets_of([len(e.multiplicities) for e in entries]),
            np.concatenate([e.cell.frac for e in entries]).astype(np.float32),
            offsets_of([len(e.cell.species) for e in entries]),
            np.stack([e.cell.lattice for e in entries]).astype(np.float32),
            np.array([e.energy for e in entries], dtype=np.float32),
            np.array([e.reported for e in entries], dtype=np.int64),
        )

    @cached_property
    def sizes(self) -> np.ndarray:
        """Number of atoms in each cell. [entries]"""
        return np.diff(self.atom_offsets)

    @cached_property
    def volume(self) -> np.ndarray:
        """Volume of each cell, Å^3. [entries]"""
        return np.abs(np.linalg.det(self.lattice.astype(np.float64)))

    @cached_property
    def stands_for(self) -> np.ndarray:
        """How many crystals of its kind each entry stands for. [entries]"""
        return np.array([STANDS_FOR.get(one, 1.0) for one in self.source.tolist()])

    def roles(self, entry: int) -> slice:
        """The slice of an entry's roles in `elements` and `counts`."""
        return slice(int(self.role_offsets[entry]), int(self.role_offsets[entry + 1]))

    def orbits(self, entry: int) -> tuple[str, np.ndarray]:
        """Wyckoff letters and multiplicities of the orbits, in the order of the atoms. [orbits]"""
        span = slice(int(self.orbit_offsets[entry]), int(self.orbit_offsets[entry + 1]))
        return self.letters[entry], self.multiplicities[span]

    def cell(self, entry: int) -> Cell:
        """The standardised primitive cell, exactly symmetric, atoms by role and then by orbit."""
        found = self.template(entry)
        assert found.lattice is not None
        return Cell(found.species, found.frac, found.lattice)

    def template(self, entry: int) -> Template:
        """The cell as a template, with the operations of its space group in moyo's default setting."""
        return Template.under(self._stored(entry), operations_of_number(int(self.number[entry])))

    def _stored(self, entry: int) -> Cell:
        """The cell as stored, in single precision."""
        atoms = slice(int(self.atom_offsets[entry]), int(self.atom_offsets[entry + 1]))
        roles = self.roles(entry)
        species = np.repeat(self.elements[roles], self.counts[roles]).astype(np.int64)
        return Cell(species, self.frac[atoms].astype(np.float64), self.lattice[entry].astype(np.float64))

    def select(self, chosen: np.ndarray) -> Index:
        """The entries of these numbers, in this order. [chosen]"""
        chosen = np.asarray(chosen, dtype=np.int64)
        roles, role_offsets = _spans(self.role_offsets, chosen)
        orbits, orbit_offsets = _spans(self.orbit_offsets, chosen)
        atoms, atom_offsets = _spans(self.atom_offsets, chosen)
        return Index(
            [self.names[i] for i in chosen], self.source[chosen], self.label[chosen], self.number[chosen],
            self.elements[roles], self.counts[roles], role_offsets, [self.letters[i] for i in chosen],
            self.multiplicities[orbits], orbit_offsets, self.frac[atoms], atom_offsets, self.lattice[chosen],
            self.energy[chosen], self.reported[chosen],
        )  # fmt: skip

    def of_sources(self, sources: Collection[str]) -> Index:
        """The entries of some sources. Raises DataError for a source that the index does not have."""
        known = sorted(set(self.source.tolist()))
        if unknown := sorted(set(sources) - set(known)):
            raise DataError(f"the index has no source '{unknown[0]}'", f"it has {', '.join(known)}")
        return self.select(np.flatnonzero(np.isin(self.source, sorted(sources))))


def index_of(table: CrystalTable, source: str, work: Work = Work()) -> Index:
    """An index of all crystals of a split that have a space group. Raises DataError where none has."""
    energies = next((table.properties[name] for name in ENERGIES if name in table.properties), None)
    jobs = (
        (table.cell(i), table.ids[i], source, np.nan if energies is None else float(energies[i]))
        for i in range(len(table))
    )
    found = work.run("finding space groups", _describe, jobs, len(table))
    return Index.of_entries([entry for entry in found if entry is not None])


def merged(indices: Iterable[Index]) -> Index:
    """All entries of several indices, one after another."""
    one, *others = indices
    for other in others:
        one = _joined(one, other)
    return one


def _describe(job: tuple[Cell, str, str, float]) -> Entry | None:
    return describe(*job)


def _joined(one: Index, other: Index) -> Index:
    columns = {}
    for name in (field.name for field in fields(Index)):
        first, second = getattr(one, name), getattr(other, name)
        if isinstance(first, list):
            columns[name] = first + second
        elif name.endswith("_offsets"):
            columns[name] = np.concatenate([first, second[1:] + first[-1]])
        else:
            columns[name] = np.concatenate([first, second])
    return Index(**columns)


def offsets_of(sizes: Sequence[int]) -> np.ndarray:
    """Where each of several concatenated lists begins, and where the last ends. [lists + 1]"""
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])


def _spans(offsets: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The positions of everything that the chosen entries own, and their new offsets."""
    sizes = np.diff(offsets)[chosen]
    new = offsets_of(sizes.tolist())
    return np.repeat(offsets[chosen] - new[:-1], sizes) + np.arange(new[-1]), new
