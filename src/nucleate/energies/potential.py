"""The interface of every interatomic potential, whatever package it comes from.

A potential is a frozen dataclass of names and numbers, so that it can be sent to a worker process; the
network is loaded there, once.
"""

from __future__ import annotations

import contextlib
import io
import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np

from nucleate.cell import Cell

if TYPE_CHECKING:
    pass

_ONE_AT_A_TIME = RLock()


@dataclass(frozen=True)
class Evaluation:
    """Energy, forces and stress of one cell.

    Attributes:
        energy: total, eV.
        forces: on the atoms, eV/Å. [atoms, 3]
        stress: eV/Å^3, positive where the cell would rather be smaller. [3, 3]
    """

    energy: float
    forces: np.ndarray
    stress: np.ndarray


class Potential(ABC):
    """Energies, forces and stresses of crystals.

    Attributes:
        name: what a user calls it.
        cutoff: distance within which every atom needs a neighbour, Å; None for no such condition.
        mp_corrected: whether its energies are comparable with the corrected ones of the Materials Project.
        mp_raw: whether its energies are those of the Materials Project before corrections, PBE or PBE+U.
    """

    name: str
    cutoff: float | None = None
    mp_corrected: bool = False
    mp_raw: bool = False

    @property
    @abstractmethod
    def identity(self) -> str:
        """Name and version of everything the energies depend on: the key of caches."""

    @property
    def supported(self) -> frozenset[int]:
        """Atomic numbers that it supports."""
        return frozenset(range(1, 95))

    @abstractmethod
    def calculator(self) -> Any:
        """An ASE calculator, loaded once in each process.

        Raises MissingPackageError where the potential's package is not installed.
        """

    def evaluate(self, cells: Sequence[Cell]) -> list[Evaluation]:
        """Energies, forces and stresses of cells, in one call where the package can, one by one otherwise.

        In a batch the last digits of a cell's numbers may depend on its neighbours: what is kept, or must be the same
        whatever else is asked for, is asked for alone (`energy`).

        Raises what the package raises of a cell that it can't take; see `relax.rejected` for those that are known.
        """
        found = []
        for cell in cells:
            atoms = cell.compact().to_atoms()
            atoms.calc = self.calculator()
            with quiet_single_thread():
                energy = float(atoms.get_potential_energy())
                found.append(Evaluation(energy, atoms.get_forces(), atoms.get_stress(voigt=False)))
        return found

    def energy(self, cell: Cell) -> float:
        """Total energy of one cell, eV."""
        atoms = cell.compact().to_atoms()
        atoms.calc = self.calculator()
        return float(atoms.get_potential_energy())


@contextlib.contextmanager
def quiet_single_thread() -> Iterator[None]:
    """One torch thread, and neither warnings nor prints of a potential's package, inside the block only.

    One block at a time: threads and warnings are the process's, and so is the calculator of a potential.
    """
    torch = sys.modules.get("torch")
    with _ONE_AT_A_TIME:
        threads = torch.get_num_threads() if torch else 1
        if torch:
            torch.set_num_threads(1)
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
                warnings.simplefilter("ignore")
                yield
        finally:
            if torch:
                torch.set_num_threads(threads)


def installed(package: str) -> str:
    """The version of a package, for the identity of energies."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def isolated_atoms(cell: Cell, cutoff: float) -> int:
    """How many atoms have no neighbour, images of themselves included, within `cutoff` Å."""
    from pymatgen.core import Lattice

    cell = cell.compact()
    cart = cell.frac @ cell.lattice
    centres = Lattice(cell.lattice).get_points_in_sphere
    return sum(len(_distances(centres, cell.frac, centre, cutoff)) < 2 for centre in np.asarray(cart))


def _distances(points_in_sphere: Any, frac: np.ndarray, centre: np.ndarray, cutoff: float) -> np.ndarray:
    return np.asarray(points_in_sphere(frac, centre, cutoff, zip_results=False)[1])
