"""The quantities whose distributions are compared, for samples and reference, and their histograms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.elements import SYMBOLS
from nucleate.metrics.dng.family import Comparison
from nucleate.metrics.dng.quantities import JUDGED, Quantities, quantities
from nucleate.metrics.dng.symmetry import CRYSTAL_SYSTEMS, LAST_GROUPS, space_groups, symbol
from nucleate.work import Work

N_SPACE_GROUPS = 230
BINS = 40
TOP_SPACE_GROUPS = 15
OUTLIERS = (0.5, 99.5)


@dataclass(frozen=True)
class Profile:
    """The usable cells of one side.

    Attributes:
        places: index of each usable cell in the list it came from. [cells]
        values: density (g/cm^3), volume for each atom (Å^3), number of atoms, number of elements. [cells, 4]
        groups: number of the space group, 0 where none is found. [cells]
        elements: share of each element among the atoms of the cell, by atomic number. [cells, 101]
    """

    places: np.ndarray
    values: np.ndarray
    groups: np.ndarray
    elements: np.ndarray

    def __len__(self) -> int:
        return len(self.places)

    def select(self, rows: Sequence[int]) -> Profile:
        """The cells in these rows, in this order."""
        index = np.asarray(rows, dtype=int)
        return Profile(self.places[index], self.values[index], self.groups[index], self.elements[index])

    def column(self, name: str) -> np.ndarray:
        """One of the fields of Quantities. [cells]"""
        return self.values[:, Quantities._fields.index(name)]

    @property
    def systems(self) -> np.ndarray:
        """Crystal system of each cell as a place in CRYSTAL_SYSTEMS, -1 where none is found. [cells]"""
        return np.where(self.groups > 0, np.searchsorted(LAST_GROUPS, self.groups), -1)


def profile(cells: Sequence[Cell | None], symprec: float, work: Work = Work()) -> Profile:
    """Of all cells without a defect, in their order."""
    usable = [(i, cell) for i, cell in enumerate(cells) if cell is not None and not defect(cell, JUDGED)]
    groups = space_groups([cell for _, cell in usable], symprec, work)
    return Profile(
        np.array([i for i, _ in usable], dtype=int),
        np.array([quantities(cell) for _, cell in usable], dtype=float).reshape(-1, len(Quantities._fields)),
        np.array([group or 0 for group in groups], dtype=int),
        element_shares([cell for _, cell in usable]),
    )


def element_shares(cells: Sequence[Cell]) -> np.ndarray:
    """Share of each element among the atoms, by atomic number. [cells, 101]"""
    shares = np.zeros((len(cells), len(SYMBOLS)))
    for row, cell in enumerate(cells):
        np.add.at(shares[row], cell.species, 1 / len(cell.species))
    return shares


def comparisons(samples: Profile, reference: Profile) -> list[Comparison]:
    """Histograms of density, volume, numbers of elements and atoms, space groups, crystal systems, elements."""
    return [
        numeric("Density", "g/cm³", samples.column("density"), reference.column("density")),
        numeric(
            "Volume per atom", "Å³", samples.column("volume_per_atom"), reference.column("volume_per_atom")
        ),
        whole("Number of elements", samples.column("n_elements"), reference.column("n_elements")),
        whole("Number of atoms", samples.column("n_atoms"), reference.column("n_atoms")),
        _space_groups(samples.groups, reference.groups),
        _systems(samples.systems, reference.systems),
        _elements(samples.elements, reference.elements),
    ]


def numeric(title: str, unit: str, samples: np.ndarray, reference: np.ndarray) -> Comparison:
    """Bins of one width over the central 99 % of both sides."""
    both = np.concatenate([np.percentile(side, OUTLIERS) for side in (samples, reference) if len(side)])
    low, high = both.min(), both.max()
    edges = np.linspace(low, high if high > low else low + 1.0, BINS + 1)
    own, other = (_shares(np.histogram(side, edges)[0]) for side in (samples, reference))
    return Comparison(title, [f"{edge:.3g}" for edge in edges[:-1]], own, other, unit, edges)


def whole(title: str, samples: np.ndarray, reference: np.ndarray) -> Comparison:
    """One bin for each whole number from 1 on."""
    most = int(max(samples.max(initial=1), reference.max(initial=1)))
    own, other = (
        _shares(np.bincount(side.astype(int), minlength=most + 1)[1:]) for side in (samples, reference)
    )
    return Comparison(title, [str(n) for n in range(1, most + 1)], own, other)


def _systems(samples: np.ndarray, reference: np.ndarray) -> Comparison:
    size = len(CRYSTAL_SYSTEMS)
    own, other = (_shares(np.bincount(side[side >= 0], minlength=size)) for side in (samples, reference))
    return Comparison("Crystal system", list(CRYSTAL_SYSTEMS), own, other)


def _space_groups(samples: np.ndarray, reference: np.ndarray) -> Comparison:
    own, other = (
        np.bincount(side, minlength=N_SPACE_GROUPS + 1).astype(float) for side in (samples, reference)
    )
    own[0] = other[0] = 0
    order = np.lexsort((np.arange(len(own)), -own, -other))
    top = [int(g) for g in order[:TOP_SPACE_GROUPS] if own[g] + other[g]]
    labels = [f"{symbol(g)} ({g})" for g in top] + ["other"]
    first, second = (_shares(np.append(side[top], side.sum() - side[top].sum())) for side in (own, other))
    return Comparison("Space group", labels, first, second)


def _elements(samples: np.ndarray, reference: np.ndarray) -> Comparison:
    own, other = samples.sum(0), reference.sum(0)
    there = np.flatnonzero(own + other)
    return Comparison("Elements", [SYMBOLS[z] for z in there], _shares(own[there]), _shares(other[there]))


def _shares(counts: np.ndarray) -> np.ndarray:
    total = counts.sum()
    return counts / total if total else np.zeros(len(counts))
