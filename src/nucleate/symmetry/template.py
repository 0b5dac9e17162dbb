"""Template: a space group with its occupied orbits in one cell, on which a symmetric crystal is drawn."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from nucleate.cell import Cell
from nucleate.errors import DataError
from nucleate.symmetry.operations import Operations, niggli_change, operations_of
from nucleate.symmetry.orbits import images, operations
from nucleate.symmetry.sites import Sites

SAME_PLACE = 1e-4
"""Fractional: how far symmetric positions may be from each other's images, and how near two atoms may be."""


@dataclass(frozen=True, eq=False)
class Template:
    """A space group in a cell, with its occupied orbits.

    Attributes:
        number: of the space group, 1 to 230.
        species: atomic numbers, the same on an orbit; 0 where none is known. [atoms]
        frac: exactly symmetric positions, at the current free parameters. [atoms, 3], float64
        rotations: integers, on columns: f' = R f + t. [operations, 3, 3]
        translations: in cells. [operations, 3], float64
        images: the atom that an operation carries an atom onto. [operations, atoms]
        lattice: a cell that has the symmetry, rows are the vectors, Å; None where none is known. [3, 3], float64
    """

    number: int
    species: np.ndarray
    frac: np.ndarray
    rotations: np.ndarray
    translations: np.ndarray
    images: np.ndarray
    lattice: np.ndarray | None = None

    @classmethod
    def of(cls, cell: Cell, symprec: float = 0.1) -> Template:
        """The template of a crystal in its own cell, atoms in their order: operations are found within symprec (Å),
        then positions and metric are averaged over them, so that both are exactly symmetric.

        Raises DataError where no operations can be found, and where they don't map atoms onto atoms.
        """
        return cls.under(cell, operations_of(cell, symprec))

    @classmethod
    def under(cls, cell: Cell, found: Operations) -> Template:
        """The template of a crystal under operations that it obeys approximately; they need not be all it has.

        Raises DataError where they don't map atoms onto atoms.
        """
        images = images_of(cell.species, cell.frac, found.rotations, found.translations, cell.lattice)
        return cls(
            found.number,
            np.asarray(cell.species, dtype=np.int64),
            symmetrised(cell.frac, found.rotations, found.translations, images),
            found.rotations,
            found.translations,
            images,
            averaged_lattice(np.asarray(cell.lattice, dtype=float), found.rotations),
        )

    @classmethod
    def from_sites(cls, sites: Sites) -> Template:
        """The template of occupied Wyckoff positions in the primitive cell, site after site.

        Exact at any free parameters: atoms are mapped by their orbits, not by distances.
        Raises StructureError where the free parameters are not set.
        """
        rotations, translations = operations(sites.number)
        blocks, start = [], 0
        for letter in sites.letters:
            blocks.append(images(sites.number, letter) + start)
            start += blocks[-1].shape[1]
        return cls(
            sites.number,
            sites.expanded(),
            sites.places(),
            rotations,
            translations,
            np.concatenate(blocks, 1),
            None if sites.lattice is None else sites.cell_vectors(),
        )

    def in_basis(self, change: np.ndarray) -> Template:
        """The same crystals in a cell whose vectors are integer combinations of the current ones: the rows of `change`,
        of determinant 1 or -1. [3, 3]"""
        inverse = np.round(np.linalg.inv(change)).astype(np.int64)
        return replace(
            self,
            frac=self.frac @ inverse % 1.0 % 1.0,
            rotations=inverse.T @ self.rotations @ change.T,
            translations=self.translations @ inverse,
            lattice=None if self.lattice is None else change @ self.lattice,
        )

    def reduced(self) -> Template:
        """The same in the Niggli cell, in which models of primitive cells are trained: that of the template's own
        lattice or, where none is known, of the lattice nearest to a cube under these operations."""
        lattice = averaged_lattice(np.eye(3), self.rotations) if self.lattice is None else self.lattice
        return self.in_basis(niggli_change(lattice))

    @property
    def identity(self) -> str:
        """16 hexadecimal digits for everything that a draw depends on, numbers to 6 decimal places."""
        places = [np.round(x, 6) + 0.0 for x in (self.translations, self.frac)]
        lattice = None if self.lattice is None else (np.round(self.lattice, 6) + 0.0).tolist()
        parts = [self.number, self.species.tolist(), self.rotations.tolist(), self.images.tolist(), lattice]
        text = repr([*parts, *(x.tolist() for x in places)])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def orbits(self) -> np.ndarray:
        """For each atom the first atom of its orbit. [atoms]"""
        return self.images.min(0)


def images_of(
    species: np.ndarray,
    frac: np.ndarray,
    rotations: np.ndarray,
    translations: np.ndarray,
    lattice: np.ndarray | None = None,
) -> np.ndarray:
    """The atom of the same species that is nearest to the image of each atom, [operations, atoms]; distances are in
    cells without a lattice. Raises DataError where two atoms have the same image."""
    metric = np.eye(3) if lattice is None else lattice @ lattice.T
    carried = np.einsum("gij,aj->gai", rotations, frac) + translations[:, None]
    gap = carried[:, :, None] - frac[None, None]
    gap -= np.round(gap)
    distance = np.einsum("gabi,ij,gabj->gab", gap, metric, gap)
    distance = np.where(species[:, None] == species[None, :], distance, np.inf)
    images = distance.argmin(-1)
    if (np.sort(images, 1) != np.arange(len(species))).any():
        raise DataError(
            "the operations of the space group don't carry the atoms onto one another",
            "give a structure whose atoms are further apart than its distortions, or a smaller symprec",
        )
    return images


def symmetrised(
    frac: np.ndarray, rotations: np.ndarray, translations: np.ndarray, images: np.ndarray
) -> np.ndarray:
    """Nearly symmetric positions, averaged over all images, each by the shortest way, in [0, 1).

    Raises DataError where the averages are not symmetric: positions are too far from symmetric ones for half a cell.
    """
    mean = np.asarray(frac, dtype=float)
    for _ in range(3):
        mean = mean + _excess(mean, rotations, translations, images)
    left = np.abs(_excess(mean, rotations, translations, images)).max(initial=0.0)
    if left > SAME_PLACE:
        raise DataError(f"positions are {left:.2g} cells from symmetric ones", "give a smaller symprec")
    return mean % 1.0 % 1.0


def _excess(
    frac: np.ndarray, rotations: np.ndarray, translations: np.ndarray, images: np.ndarray
) -> np.ndarray:
    """For each atom the mean of the shortest ways to the images that fall on it. [atoms, 3]"""
    carried = np.einsum("gij,aj->gai", rotations, frac) + translations[:, None]
    gap = carried - frac[images]
    gap -= np.round(gap)
    total = np.zeros_like(frac)
    np.add.at(total, images, gap)
    return total / len(rotations)


def averaged_lattice(lattice: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """The cell, turned as little as possible, whose metric is the mean of R^T G R over the operations. [3, 3], Å

    G = L L^T for rows L; R^T G R is the metric after the operation.
    """
    metric = lattice @ lattice.T
    mean = np.einsum("gji,jk,gkl->il", rotations, metric, rotations) / len(rotations)
    # L = G^(1/2) U with the rotation U: U is kept.
    return _power(mean, 0.5) @ _power(metric, -0.5) @ lattice


def _power(metric: np.ndarray, exponent: float) -> np.ndarray:
    values, vectors = np.linalg.eigh(metric)
    return (vectors * values**exponent) @ vectors.T
