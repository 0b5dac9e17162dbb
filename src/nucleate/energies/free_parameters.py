"""What a space group leaves free of a crystal, as orthonormal coordinates: strains first, then ways of the atoms.

With rows L of the reference lattice and Cartesian rotations Q = L^T R L^-T of the operations, a strain e is free where
e = mean over g of Q e Q^T, and ways d of the atoms (Cartesian, in the reference cell) where d_j = mean over g of Q d_i
for the atom i that g carries onto j. Both means are orthogonal projections; their images have the bases used here.
A common way of all atoms changes nothing and is left out. The crystal at coordinates x has the lattice L exp(e) and the
atoms r + d at their fractional coordinates in L, so that it keeps every operation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nucleate.cell import Cell
from nucleate.energies.potential import Evaluation
from nucleate.errors import DataError
from nucleate.symmetry.template import Template

IMAGE = 0.5
"""A projection has eigenvalues 0 and 1; above this they are 1."""


@dataclass(frozen=True, eq=False)
class FreeParameters:
    """Coordinates of a crystal around a reference.

    Attributes:
        reference: the crystal at x = 0; its atoms and lattice obey the operations exactly.
        number: of its space group; 1 where nothing is held.
        strains: orthonormal symmetric matrices. [strains, 3, 3]
        ways: orthonormal displacements. [ways, atoms, 3]
    """

    reference: Cell
    number: int
    strains: np.ndarray
    ways: np.ndarray

    @classmethod
    def of(cls, cell: Cell, symprec: float | None = None, strained: bool = True) -> FreeParameters:
        """Those that the space group found within symprec (Å) leaves; all of them for None, and where none is found.

        strained: whether the cell is free at all.
        """
        template = None
        if symprec is not None:
            try:
                template = Template.of(cell, symprec)
            except DataError:
                template = None
        if template is None or template.lattice is None or len(template.rotations) == 1:
            rotations, images = np.eye(3)[None], np.arange(len(cell.species))[None]
            reference, number = cell, 1
        else:
            rotations, images = template.rotations, template.images
            reference, number = Cell(cell.species, template.frac, template.lattice), template.number
        inverse = np.linalg.inv(reference.lattice)
        turns = reference.lattice.T @ rotations @ inverse.T
        strains = free_strains(turns) if strained else np.zeros((0, 3, 3))
        return cls(reference, number, strains, free_ways(turns, images))

    def __len__(self) -> int:
        return len(self.strains) + len(self.ways)

    def split(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The strain [3, 3] and the ways of the atoms [atoms, 3] at coordinates, or of a step of them."""
        cut = len(self.strains)
        ways = np.tensordot(x[cut:], self.ways, 1)
        return np.tensordot(x[:cut], self.strains, 1), ways

    def cell_at(self, x: np.ndarray) -> Cell:
        """The crystal at coordinates."""
        strain, ways = self.split(x)
        frac = self.reference.frac + ways @ np.linalg.inv(self.reference.lattice)
        return Cell(self.reference.species, frac, self.reference.lattice @ _exponential(strain))

    def gradient(self, x: np.ndarray, said: Evaluation, volume: float) -> np.ndarray:
        """Of the energy along the coordinates, eV and eV/Å.

        Args:
            x: where the crystal stands.
            said: what the potential says of it there.
            volume: of its cell, Å^3.
        """
        strain, _ = self.split(x)
        bent = _exponential(strain)
        virial = volume * (said.stress + said.stress.T) / 2
        # E changes by virial : d(exp e) exp(-e), d(exp e) being linear in de and symmetric as e is
        slope = _derivative(strain, virial @ np.linalg.inv(bent))
        along = np.einsum("kij,ij->k", self.strains, slope)
        return np.concatenate([along, np.einsum("kai,ai->k", self.ways, -said.forces @ bent)])

    def largest(self, gradient: np.ndarray) -> float:
        """Largest force on an atom or on the cell (its virial over the atoms), as FrechetCellFilter counts it, eV/Å."""
        strain, ways = self.split(gradient)
        rows = np.concatenate([strain / len(self.reference.species), ways])
        return float(np.linalg.norm(rows, axis=1).max())


def free_strains(turns: np.ndarray) -> np.ndarray:
    """Symmetric matrices with e = Q e Q^T for all Q [operations, 3, 3]: an orthonormal basis. [1 to 6, 3, 3]"""
    pairs = [(i, j) for i in range(3) for j in range(i, 3)]
    basis = np.zeros((6, 3, 3))
    for place, (i, j) in enumerate(pairs):
        basis[place, i, j] = basis[place, j, i] = 1.0 if i == j else np.sqrt(0.5)
    averaged = np.einsum("gij,kjl,gml->kim", turns, basis, turns) / len(turns)
    projection = np.einsum("kij,lij->kl", averaged, basis)
    return np.tensordot(_image(projection), basis, 1)


def free_ways(turns: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Displacements with d_j = mean over g of Q d_i, without common ones: an orthonormal basis. [ways, atoms, 3]

    images: [operations, atoms], the atom that each operation carries an atom onto.
    """
    atoms = images.shape[1]
    projection = np.zeros((atoms, 3, atoms, 3))
    for turn, image in zip(turns, images, strict=True):
        projection[image, :, np.arange(atoms), :] += turn / len(turns)
    common = np.einsum("ij,ab->iajb", np.ones((atoms, atoms)) / atoms, np.eye(3))
    shape = (3 * atoms, 3 * atoms)
    matrix = projection.reshape(shape)
    # the mean over the operations and the common way commute
    return _image(matrix - matrix @ common.reshape(shape)).reshape(-1, atoms, 3)


def _image(projection: np.ndarray) -> np.ndarray:
    """Orthonormal rows that span the image of an orthogonal projection."""
    values, vectors = np.linalg.eigh((projection + projection.T) / 2)
    return vectors[:, values > IMAGE].T


def _exponential(strain: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(strain)
    return (vectors * np.exp(values)) @ vectors.T


def _derivative(strain: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """The gradient along e of what has the gradient `slope` along exp(e): Daleckii and Krein's formula. [3, 3]"""
    values, vectors = np.linalg.eigh(strain)
    gap = values[:, None] - values
    powers = np.exp(values)
    near = np.abs(gap) < 1e-8
    ratio = np.where(near, powers[:, None], (powers[:, None] - powers) / np.where(near, 1.0, gap))
    turned = vectors.T @ (slope + slope.T) @ vectors / 2
    return vectors @ (turned * ratio) @ vectors.T
