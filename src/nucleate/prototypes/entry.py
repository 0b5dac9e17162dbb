"""One crystal as a prototype: space group, standardised primitive cell with exact symmetry, Wyckoff orbits."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.errors import StructureError
from nucleate.metrics.dng.symmetry import PLACED
from nucleate.prototypes.labels import prototype_label
from nucleate.symmetry.moyo import analysed

TOLERANCES = (0.1, 0.03, 0.01, 0.001)
"""Tolerances, Å, tried in turn: the first whose primitive cell has as many atoms as the given crystal is used."""


@dataclass(frozen=True, eq=False)
class Entry:
    """A crystal of an index.

    Attributes:
        name: its name in the data.
        source: which data it is from, such as mp_20.
        label: name of its prototype (labels.py).
        number: of the space group.
        elements: atomic numbers by role, in the order of the label. [roles]
        letters: Wyckoff letters of the orbits, in the order of the atoms. [orbits]
        multiplicities: atoms of each orbit in the primitive cell. [orbits]
        cell: standardised primitive cell of moyo's default setting, atoms by role and then by orbit.
        energy: above the hull, eV/atom, NaN where it is not known.
        reported: 0, or its place among the structures that handbooks report for the compound.
    """

    name: str
    source: str
    label: str
    number: int
    elements: tuple[int, ...]
    letters: str
    multiplicities: tuple[int, ...]
    cell: Cell
    energy: float
    reported: int = 0


def describe(cell: Cell, name: str = "", source: str = "", energy: float = float("nan")) -> Entry | None:
    """The crystal as an entry, None where no space group is found."""
    if defect(cell, PLACED) is not None or cell.species.max(initial=0) > MAX_ATOMIC_NUMBER:
        return None
    found = _dataset(cell)
    if found is None:
        return None
    primitive = found.prim_std_cell
    species = np.array(primitive.numbers, dtype=np.int64)
    first = {atom: given for given, atom in reversed(list(enumerate(found.mapping_std_prim)))}
    orbit = np.array([found.orbits[first[atom]] for atom in range(len(species))])
    letter = np.array([found.wyckoffs[first[atom]][-1] for atom in range(len(species))])
    counts = Counter(species.tolist())
    elements = list(counts)
    heads = np.unique(orbit, return_index=True)[1]
    letters = ["".join(letter[heads][species[heads] == z]) for z in elements]
    label, order = prototype_label(found.pearson_symbol, found.number, list(counts.values()), letters)
    roles = [elements[i] for i in order]
    place = np.array([roles.index(z) for z in species.tolist()])
    atoms = np.lexsort((orbit, letter, place))
    starts = np.flatnonzero(np.diff(orbit[atoms], prepend=-1))
    frac = np.array(primitive.positions, dtype=float).reshape(-1, 3)[atoms]
    return Entry(
        name, source, label, found.number, tuple(roles), "".join(letter[atoms][starts]),
        tuple(np.diff(starts, append=len(atoms)).tolist()),
        Cell(species[atoms], frac, np.array(primitive.basis, dtype=float)), float(energy),
    )  # fmt: skip


def _dataset(cell: Cell):
    """moyo's analysis of a crystal at the widest tolerance that keeps its number of atoms; None where it fails."""
    smaller = None
    for tolerance in TOLERANCES:
        try:
            found = analysed(cell, tolerance)
        except StructureError:
            continue
        if len(found.prim_std_cell.numbers) == len(cell.species):
            return found
        smaller = found
    return smaller
