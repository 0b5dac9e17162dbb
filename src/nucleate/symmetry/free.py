"""The free parameters of a template: f = f0 + W u for as many numbers u as its orbits leave free.

W is an integer matrix and so is B with B W = 1, which reads u off one atom of each orbit. Integer matrices commute with
wrapping, so f0 + W B (f - f0) is a symmetric point of the torus for any f, whatever image each number stands for, is f
itself where f is symmetric, and is uniform in u where f is uniform. A displacement D is averaged instead:
D_j = mean over g of R_g D_i = W K D, the projector that is orthogonal in the metric of any cell that has the symmetry.

Lattices are averaged too: G -> mean of R^T G R for the metric G = L L^T.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nucleate.symmetry.template import Template


@dataclass(frozen=True, eq=False)
class Freedom:
    """What the operations of a template leave free, with rows and columns of 3 for each atom.

    Attributes:
        origin: f0, the template's own positions. [atoms, 3]
        orbits: the atom of the same orbit that free parameters are read off. [atoms]
        lattice: the template's own cell, zeros where none is known. [3, 3]
        basis: W, integers: displacements of all atoms for a step of each free parameter. [3 atoms, free]
        read: B, integers: the free parameters of a symmetric displacement. [free, 3 atoms]
        mean: K: the free parameters of the mean over the operations. [free, 3 atoms], float64
        multiplicity: atoms of the orbit that a parameter belongs to. [free]
        metric: the mean over the operations of what they do to a metric, row by row. [9, 9], float64
        metrics: independent metrics that they leave unchanged, of norm 1. [1 to 6, 3, 3], float64
    """

    origin: np.ndarray
    orbits: np.ndarray
    lattice: np.ndarray
    basis: np.ndarray
    read: np.ndarray
    mean: np.ndarray
    multiplicity: np.ndarray
    metric: np.ndarray
    metrics: np.ndarray

    @classmethod
    def of(cls, template: Template) -> Freedom:
        rotations, images = template.rotations, template.images
        atoms, orbits = len(template.species), template.orbits
        # origins[g, a] is the atom that operation g carries onto a
        origins = np.argsort(images, 1)
        basis, read, mean, multiplicity = [], [], [], []
        for anchor in np.unique(orbits):
            stabiliser = rotations[images[:, anchor] == anchor]
            free, off = fixed_directions(stabiliser)
            if not free.shape[1]:
                continue
            members = np.flatnonzero(orbits == anchor)
            columns = np.zeros((atoms, 3, free.shape[1]), dtype=np.int64)
            for atom in members:
                columns[atom] = rotations[np.argmax(images[:, anchor] == atom)] @ free
            rows = np.zeros((free.shape[1], atoms, 3), dtype=np.int64)
            rows[:, anchor] = off
            means = np.zeros((free.shape[1], atoms, 3))
            for rotation, origin in zip(rotations, origins[:, anchor], strict=True):
                means[:, origin] += off @ rotation / len(rotations)
            basis.append(columns.reshape(3 * atoms, -1))
            read.append(rows.reshape(-1, 3 * atoms))
            mean.append(means.reshape(-1, 3 * atoms))
            multiplicity += [len(members)] * free.shape[1]
        nothing = np.zeros((0, 3 * atoms))
        return cls(
            template.frac,
            orbits,
            np.zeros((3, 3)) if template.lattice is None else template.lattice,
            np.concatenate([nothing.T.astype(np.int64), *basis], 1),
            np.concatenate([nothing.astype(np.int64), *read]),
            np.concatenate([nothing, *mean]),
            np.array(multiplicity, dtype=np.int64),
            metric_average(rotations),
            free_metrics(rotations),
        )


def fixed_directions(rotations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of rotations [operations, 3, 3]: a basis of the integer vectors that all of them leave unchanged, [3, free], and
    integer rows that read its coefficients off such a vector, [free, 3].

    By column operations on the equations (R - 1) v = 0, which keep a basis of all integer vectors: those of its columns
    that solve all equations are left at the end.
    """
    equations = (rotations - np.eye(3, dtype=np.int64)).reshape(-1, 3).copy()
    columns = np.eye(3, dtype=np.int64)
    done = 0
    for row in range(len(equations)):
        while np.count_nonzero(equations[row, done:]) > 1:
            values = np.abs(equations[row, done:])
            least = done + int(np.where(values == 0, np.iinfo(np.int64).max, values).argmin())
            for other in range(done, 3):
                if other != least:
                    times = equations[row, other] // equations[row, least]
                    equations[:, other] -= times * equations[:, least]
                    columns[:, other] -= times * columns[:, least]
        found = np.flatnonzero(equations[row, done:])
        if len(found):
            order = [*range(done), done + int(found[0])]
            order += [column for column in range(done, 3) if column != order[-1]]
            equations, columns = equations[:, order], columns[:, order]
            done += 1
        if done == 3:
            break
    inverse = np.round(np.linalg.inv(columns)).astype(np.int64)
    return columns[:, done:], inverse[done:]


def metric_average(rotations: np.ndarray) -> np.ndarray:
    """Mean of G -> R^T G R over rotations [operations, 3, 3], for metrics row by row. [9, 9]"""
    return np.einsum("gki,glj->ijkl", rotations, rotations).reshape(9, 9) / len(rotations)


def free_metrics(rotations: np.ndarray) -> np.ndarray:
    """Independent symmetric matrices with R^T G R = G, of norm 1, as many as a lattice has free parameters: cubic 1,
    hexagonal, trigonal and tetragonal 2, orthorhombic 3, monoclinic 4, triclinic 6. [free, 3, 3]"""
    pairs = [(i, j) for i in range(3) for j in range(i, 3)]
    symmetric = np.zeros((6, 3, 3))
    for place, (i, j) in enumerate(pairs):
        symmetric[place, i, j] = symmetric[place, j, i] = 1
    averaged = symmetric.reshape(6, 9) @ metric_average(rotations).T
    _, sizes, directions = np.linalg.svd(averaged)
    return directions[: int((sizes > 1e-8).sum())].reshape(-1, 3, 3)
