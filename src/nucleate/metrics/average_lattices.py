"""The average lattices of a pair of structures, one for each basis, and distances of their atoms on them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nucleate.metrics.cell_shapes import (
    cell_parameters,
    cells_from_parameters,
    reciprocal_lengths,
    surely_lll_reduced,
)


class Prepared(NamedTuple):
    """The first structure in each basis, and the average lattices.

    Attributes:
        frac: fractional coordinates. [bases, atoms, 3]
        average: average lattices, Å. [bases, 3, 3]
        reciprocal: lengths of the reciprocal vectors (with 2 pi), 1/Å. [bases, 3]
        free_length: (volume / atoms)^(1/3), Å. [bases]
        is_lll: whether LLL would change nothing. [bases]
    """

    frac: np.ndarray
    average: np.ndarray
    reciprocal: np.ndarray
    free_length: np.ndarray
    is_lll: np.ndarray


def prepare(cart: np.ndarray, bases: np.ndarray, target) -> Prepared:
    frac = cart @ np.linalg.inv(bases)
    frac -= np.floor(frac)
    lengths, angles = cell_parameters(bases)
    average = cells_from_parameters((lengths + target[0]) / 2, (angles + target[1]) / 2)
    volume = np.abs(np.linalg.det(average))
    return Prepared(
        frac,
        average,
        reciprocal_lengths(average),
        (volume / len(cart)) ** (1 / 3),
        surely_lll_reduced(average),
    )


class Box(NamedTuple):
    """The interface that `pbc_shortest_vectors` needs from a lattice, with the LLL reduction done once."""

    lll_matrix: np.ndarray
    inverse: np.ndarray | None
    reciprocal: np.ndarray
    pbc: tuple[bool, bool, bool] = (True, True, True)

    @classmethod
    def around(cls, prepared: Prepared, index: int) -> Box:
        from pymatgen.core import Lattice

        if prepared.is_lll[index]:
            return cls(prepared.average[index], None, prepared.reciprocal[index])
        lattice = Lattice(prepared.average[index])
        matrix = lattice.lll_matrix
        return cls(matrix, lattice.lll_inverse, reciprocal_lengths(matrix[None])[0])

    def get_lll_frac_coords(self, frac: np.ndarray) -> np.ndarray:
        return frac if self.inverse is None else frac @ self.inverse

    def distances(
        self, frac2: np.ndarray, frac1: np.ndarray, forbidden: np.ndarray, reach: np.ndarray
    ) -> np.ndarray:
        """Displacements in Å of the best assignment, less their mean; huge for atoms out of reach. [atoms]"""
        from pymatgen.util.coord_cython import pbc_shortest_vectors
        from scipy.optimize import linear_sum_assignment

        vectors, squares = pbc_shortest_vectors(self, frac2, frac1, forbidden, True, reach)
        rows, columns = linear_sum_assignment(squares)
        chosen = vectors[rows, columns]
        chosen = chosen - chosen.sum(0) / len(chosen)
        return np.sqrt((chosen * chosen).sum(1))
