"""The RMS displacement of two structures, and whether they fit, with the verdicts of pymatgen's `StructureMatcher`.

`StructureMatcher.get_rms_dist` (Ong et al., Comput. Mater. Sci. 68, 314, 2013): scale both primitive Niggli
cells to one volume; for every basis of the first lattice whose lengths and angles are within tolerance of the
second's, and every shift that lays an atom of the rarest kind on its like, assign atoms to atoms on the
average lattice and take the smallest RMS displacement after removing the mean one, in units of (volume /
atoms)^(1/3). `StructureMatcher.fit` searches likewise and stops where the *largest* displacement of an atom is below
the same tolerance: it is the stricter of the two, and the one that says which crystals are the same.

Here the bases of one pair are found and prepared in one sweep of array operations, a pair is dropped where no
basis can exist, and lattices that need no LLL reduction are not sent through one. Nothing is approximated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nucleate.cell import Cell
from nucleate.errors import DataError
from nucleate.metrics.average_lattices import Box, prepare
from nucleate.metrics.cell_shapes import angles_between, cell_parameters
from nucleate.metrics.reduction import Reduced, reduce_cell
from nucleate.settings import within
from nucleate.time_limit import Result, attempt

if TYPE_CHECKING:
    from pymatgen.core import Structure

MAX_LATTICE_POINTS = 3e6
"""A search sphere with more lattice points counts as a time-out: it would need gigabytes."""

MATCH_FAILURES = (ValueError, ArithmeticError, IndexError, np.linalg.LinAlgError)
"""Errors of degenerate cells in a reduction or a match; the field counts them as no match."""


@dataclass(frozen=True)
class Matcher:
    """Tolerances; the defaults are those of every published CSP match rate.

    Attributes:
        stol: largest displacement (RMS, or of one atom in `fits`), in units of (volume / atoms)^(1/3).
        angle_tol: largest difference of lattice angles, degrees.
        ltol: largest relative difference of lattice lengths.
    """

    stol: float = 0.5
    angle_tol: float = 10.0
    ltol: float = 0.3

    def __post_init__(self) -> None:
        within(self, 0, 100.0, "stol ltol", error=DataError)
        within(self, 0, 180.0, "angle_tol", error=DataError)

    def rms(self, first: Reduced, second: Reduced) -> float | None:
        """RMS displacement of `first` (prediction) from `second` (reference), or None without a match."""
        best = np.inf
        for distances in self._displacements(first, second):
            best = min(best, float(np.sqrt((distances**2).mean())))
            if best < 1e-5:
                break
        return best if best < self.stol else None

    def fits(self, first: Reduced, second: Reduced) -> bool:
        """The verdict of `StructureMatcher.fit(first, second)`: no atom has to move farther than `stol`.

        Not quite symmetric: at the edge of the tolerances the order of the two may decide.
        """
        return any(distances.max() < self.stol for distances in self._displacements(first, second))

    def may_match(self, first: Shapes, second: Shapes) -> np.ndarray:
        """False where lattices of equal volume are too unlike for `rms` and `fits`, pair by pair. [pairs]

        No basis of the first lattice can come near the second cell where a successive minimum of the first exceeds
        the length in its place of the second.
        """
        ratio = (second.volume / first.volume) ** (1 / 6)
        too_long = first.minima * ratio[:, None] > (1 + self.ltol) * second.lengths / ratio[:, None]
        return np.logical_not(too_long.any(1))

    def _displacements(self, first: Reduced, second: Reduced) -> Iterator[np.ndarray]:
        """Displacements of the atoms, less their mean, over (volume / atoms)^(1/3): one array for each way to lay
        the one on the other, in the order of pymatgen's search. [atoms]"""
        if first.composition != second.composition:
            return
        ratio = (second.volume / first.volume) ** (1 / 6)
        lattice1, lattice2 = first.lattice * ratio, second.lattice / ratio
        lengths2, angles2 = cell_parameters(lattice2[None])
        # may_match for one pair
        if (first.minima * ratio > (1 + self.ltol) * np.sort(lengths2[0])).any():
            return
        bases = self._bases(lattice1, lengths2[0], angles2[0])
        if len(bases):
            yield from self._search(first, second, first.frac @ lattice1, bases, (lengths2, angles2))

    def _bases(self, lattice: np.ndarray, lengths: np.ndarray, angles: np.ndarray) -> np.ndarray:
        """Bases of `lattice` with lengths and angles near the given ones, vectors as rows. [bases, 3, 3]"""
        from pymatgen.core import Lattice

        radius = lengths.max() * (1 + self.ltol)
        if 4.19 * radius**3 / abs(np.linalg.det(lattice)) > MAX_LATTICE_POINTS:
            raise TimeoutError("the search sphere holds too many lattice points")
        found: Any = Lattice(lattice).get_points_in_sphere([[0, 0, 0]], [0, 0, 0], radius, zip_results=False)
        points, distance = found[0], found[1]
        points = np.asarray(points, dtype=float).reshape(-1, 3)
        relative = np.asarray(distance)[None, :] / lengths[:, None]
        near = (relative < 1 + self.ltol) & (relative > 1 / (1 + self.ltol))
        a, b, c = (points[chosen] for chosen in near)
        va, vb, vc = (chosen @ lattice for chosen in (a, b, c))
        alpha, beta, gamma = (
            np.abs(angles_between(x, y) - angle) <= self.angle_tol
            for x, y, angle in zip((vb, va, va), (vc, vc, vb), angles, strict=True)
        )
        i, j = np.nonzero(gamma)
        pair, k = np.nonzero(alpha[j] & beta[i])
        i, j = i[pair], j[pair]
        determinant = np.einsum("ij,ij->i", np.cross(a[i], b[j]), c[k])
        kept = np.abs(np.abs(determinant) - 1) <= 0.5
        return np.stack([va[i], vb[j], vc[k]], 1)[kept]

    def _search(
        self, first: Reduced, second: Reduced, cart: np.ndarray, bases: np.ndarray, target
    ) -> Iterator[np.ndarray]:
        """The displacements for all bases and all shifts."""
        from pymatgen.util.coord_cython import is_coord_subset_pbc

        forbidden = (second.species[:, None] != first.species[None, :]).astype(np.int64)
        anchor = int(forbidden.sum(1).argmax())
        partners = np.flatnonzero(forbidden[anchor] == 0)
        prepared = prepare(cart, bases, target)
        tolerance = self.stol / np.pi * prepared.free_length
        boxes = {}
        for index, frac1 in enumerate(prepared.frac):
            reach = prepared.reciprocal[index] * tolerance[index]
            key = prepared.average[index].tobytes()
            for partner in partners:
                frac2 = second.frac + (frac1[partner] - second.frac[anchor])
                if not is_coord_subset_pbc(frac2, frac1, reach, forbidden):
                    continue
                if key not in boxes:
                    boxes[key] = Box.around(prepared, index)
                box = boxes[key]
                reach_box = box.reciprocal * tolerance[index]
                yield box.distances(frac2, frac1, forbidden, reach_box) / prepared.free_length[index]


class Shapes(NamedTuple):
    """The quantities of reduced cells that decide whether their lattices can match at all.

    minima: as in `Reduced` [cells, 3], Å; lengths: of the cell vectors, ascending [cells, 3], Å; volume [cells], Å^3.
    """

    minima: np.ndarray
    lengths: np.ndarray
    volume: np.ndarray

    @classmethod
    def of(cls, cells: Sequence[Reduced]) -> Shapes:
        lattices = np.stack([cell.lattice for cell in cells])
        lengths = np.sort(np.sqrt((lattices**2).sum(-1)), axis=1)
        return cls(
            np.stack([cell.minima for cell in cells]), lengths, np.array([cell.volume for cell in cells])
        )

    def at(self, indices: np.ndarray) -> Shapes:
        return Shapes(*(values[indices] for values in self))


def rms_distance(prediction: Structure, reference: Structure, matcher: Matcher | None = None) -> float | None:
    """Normalised RMS displacement of two pymatgen structures, or None where they don't match."""
    matcher = matcher or Matcher()
    return matcher.rms(reduce_cell(Cell.of(prediction)), reduce_cell(Cell.of(reference)))


def try_match(work: Callable[[], Result], timeout: float | None) -> tuple[Result | None, str]:
    """The result of a reduction or a match and "", or None and "timed_out" or "matcher_failed"."""
    import scipy.optimize  # noqa: F401 - an import that a time limit interrupts leaves a broken module

    result, failure = attempt(work, timeout, MATCH_FAILURES)
    return result, "matcher_failed" if failure == "failed" else failure
