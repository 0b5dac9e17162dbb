"""What every potential must do: energies independent of how a crystal is written; matching forces and stresses.

test_mine = potential_tests([PotentialCase("mine", Mine(), cells)])
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.energies.potential import Evaluation, Potential
from nucleate.testing.suite import Check, as_test, require

DOUBLED = np.array([[2, 0, 0], [0, 1, 0], [0, 0, 1]])
SHEARED = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1]])
"""Another basis of the same lattice."""


@dataclass(frozen=True)
class PotentialCase:
    """A potential under test.

    Attributes:
        name: shown in the names of the tests.
        potential: the instance under test.
        cells: crystals of supported elements, displaced from symmetric positions, with two or more atoms.
        energy: largest difference between energies of the same crystal, eV per atom.
        force: largest difference between forces and finite differences of the energy, eV/Å.
        stress: the same for stresses, eV/Å^3.
        step: of finite differences, Å; strains are a tenth of it.
    """

    name: str
    potential: Potential
    cells: Sequence[Cell]
    energy: float = 1e-6
    force: float = 1e-3
    stress: float = 1e-4
    step: float = 1e-3


def potential_tests(cases: Iterable[PotentialCase]) -> Callable[..., Any]:
    """All checks of all cases as one test of pytest."""
    return as_test(check for case in cases for check in potential_checks(case))


def potential_checks(case: PotentialCase) -> list[Check]:
    checks = (
        it_can_be_sent_to_a_worker,
        energies_are_extensive,
        another_basis_changes_nothing,
        a_translation_changes_nothing,
        the_order_of_atoms_changes_nothing,
        a_rotation_turns_forces_and_stresses,
        forces_are_minus_the_gradient,
        stresses_are_the_gradient_of_strain,
        a_batch_equals_its_cells_one_by_one,
    )
    return [Check(f"{case.name}-{check.__name__}", partial(check, case)) for check in checks]


def it_can_be_sent_to_a_worker(case: PotentialCase) -> None:
    try:
        again = pickle.loads(pickle.dumps(case.potential))
    except Exception as error:  # whatever an attribute's own pickling raises
        raise AssertionError(f"it can't be pickled: {error}") from error
    require(again.identity == case.potential.identity, "its identity changes when it is pickled")
    known = case.potential.supported
    for cell in case.cells:
        require(set(cell.species.tolist()) <= known, "it does not support all elements of the cells")


def evaluated(case: PotentialCase, cell: Cell) -> Evaluation:
    (one,) = case.potential.evaluate([cell])
    return one


def close(found: Any, expected: Any, limit: float, what: str) -> None:
    gap = float(np.abs(np.asarray(found) - np.asarray(expected)).max())
    require(gap <= limit, f"{what} differ by {gap:.3g}, more than {limit:.3g}")


def same(case: PotentialCase, found: Evaluation, expected: Evaluation, atoms: int, when: str) -> None:
    close(found.energy / atoms, expected.energy / atoms, case.energy, f"{when}: energies per atom (eV)")
    close(found.forces, expected.forces, case.force, f"{when}: forces (eV/Å)")
    close(found.stress, expected.stress, case.stress, f"{when}: stresses (eV/Å^3)")


def on_basis(cell: Cell, basis: np.ndarray) -> Cell:
    """A crystal in another basis of whole lattice vectors, with one or two times the atoms."""
    lattice = basis @ cell.lattice
    copies = 1 if abs(round(np.linalg.det(basis))) == 1 else 2
    shifts = np.array([[i, 0, 0] for i in range(copies)]) @ cell.lattice
    cart = (cell.frac @ cell.lattice)[None] + shifts[:, None]
    frac = cart.reshape(-1, 3) @ np.linalg.inv(lattice)
    return Cell(np.tile(cell.species, copies), frac, lattice)


def energies_are_extensive(case: PotentialCase) -> None:
    """Twice the cell has twice the energy, and the same forces and stress."""
    for cell in case.cells:
        one, two = evaluated(case, cell), evaluated(case, on_basis(cell, DOUBLED))
        twice = Evaluation(2 * one.energy, np.tile(one.forces, (2, 1)), one.stress)
        same(case, two, twice, 2 * len(cell.species), "twice the cell")


def another_basis_changes_nothing(case: PotentialCase) -> None:
    for cell in case.cells:
        found = evaluated(case, on_basis(cell, SHEARED))
        same(case, found, evaluated(case, cell), len(cell.species), "another basis")


def a_translation_changes_nothing(case: PotentialCase) -> None:
    """A translation of all atoms, across the faces of the cell."""
    for cell in case.cells:
        found = evaluated(case, cell._replace(frac=(cell.frac + np.array([0.31, 0.47, 0.83])) % 1))
        same(case, found, evaluated(case, cell), len(cell.species), "translated")


def the_order_of_atoms_changes_nothing(case: PotentialCase) -> None:
    for cell in case.cells:
        found = evaluated(case, Cell(cell.species[::-1].copy(), cell.frac[::-1].copy(), cell.lattice))
        one = evaluated(case, cell)
        turned = Evaluation(one.energy, one.forces[::-1], one.stress)
        same(case, found, turned, len(cell.species), "in reverse order")


def a_rotation_turns_forces_and_stresses(case: PotentialCase) -> None:
    turn = np.linalg.qr(np.array([[1.0, 0.3, -0.2], [0.1, 1.0, 0.5], [0.4, -0.3, 1.0]]))[0]
    turn = turn * np.sign(np.linalg.det(turn))
    for cell in case.cells:
        found, one = evaluated(case, cell._replace(lattice=cell.lattice @ turn)), evaluated(case, cell)
        expected = Evaluation(one.energy, one.forces @ turn, turn.T @ one.stress @ turn)
        same(case, found, expected, len(cell.species), "rotated")


def forces_are_minus_the_gradient(case: PotentialCase) -> None:
    """Central differences along three coordinates of the first and the last atom."""
    for cell in case.cells:
        forces, inverse = evaluated(case, cell).forces, np.linalg.inv(cell.lattice)
        for atom, axis in ((0, 0), (0, 1), (-1, 2)):
            energies = []
            for sign in (1, -1):
                frac = cell.frac.copy()
                frac[atom] += sign * case.step * inverse[axis]
                energies.append(case.potential.energy(cell._replace(frac=frac)))
            slope = (energies[0] - energies[1]) / (2 * case.step)
            close(
                forces[atom, axis],
                -slope,
                case.force,
                "a force and minus the derivative of the energy (eV/Å)",
            )


def stresses_are_the_gradient_of_strain(case: PotentialCase) -> None:
    """Of the energy per volume: central differences under a symmetric strain, one stretch and one shear."""
    size = case.step / 10
    for cell in case.cells:
        stress = evaluated(case, cell).stress
        for i, j in ((0, 0), (1, 2)):
            strain = np.zeros((3, 3))
            strain[i, j] += 0.5
            strain[j, i] += 0.5
            plus, minus = (
                case.potential.energy(
                    cell._replace(lattice=cell.lattice @ (np.eye(3) + sign * size * strain))
                )
                for sign in (1, -1)
            )
            slope = (plus - minus) / (2 * size * cell.volume)
            close(stress[i, j], slope, case.stress, "a stress and the derivative of the energy (eV/Å^3)")


def a_batch_equals_its_cells_one_by_one(case: PotentialCase) -> None:
    require(case.potential.evaluate([]) == [], "for no cells it returns something")
    together = case.potential.evaluate(case.cells)
    require(
        len(together) == len(case.cells), f"for {len(case.cells)} cells it returns {len(together)} results"
    )
    for cell, one in zip(case.cells, together, strict=True):
        atoms = len(cell.species)
        require(np.shape(one.forces) == (atoms, 3), f"forces have the shape {np.shape(one.forces)}")
        require(np.shape(one.stress) == (3, 3), f"the stress has the shape {np.shape(one.stress)}")
        same(case, one, evaluated(case, cell), atoms, "in a batch")
        close(one.energy / atoms, case.potential.energy(cell) / atoms, case.energy, "energies per atom (eV)")
