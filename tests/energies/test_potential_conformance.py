"""EMT and CHGNet pass the suite of `nucleate.testing`, and mistakes don't. Of other packages' potentials, of which none
is needed, the names only are tested (test_potentials.py)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from nucleate.energies.potential import Evaluation
from nucleate.energies.potentials import AsePotential, potential_named
from nucleate.testing import PotentialCase, potential_checks, potential_tests
from tests.energies.crystals import copper_gold, rattled

CELLS = [rattled(one, seed=number) for number, one in enumerate(copper_gold().values())]
# float32: a difference of energies over a longer way, and its last digits
CHGNET = {"energy": 2e-5, "force": 0.02, "stress": 2e-3, "step": 0.01}
test_potentials = potential_tests(
    [
        PotentialCase("emt", potential_named("emt"), CELLS),
        PotentialCase("chgnet", potential_named("chgnet"), CELLS[2:5:2], **CHGNET),
    ]
)


@dataclass(frozen=True)
class Wrong(AsePotential):
    """EMT with one mistake, whose name it has."""

    name: str = "wrong"
    package: str = "ase"
    call: str = "ase.calculators.emt:EMT"

    def evaluate(self, cells):
        return [
            self._changed(one, cell, len(cells))
            for one, cell in zip(super().evaluate(cells), cells, strict=True)
        ]

    def energy(self, cell):
        return self.evaluate([cell])[0].energy

    def _changed(self, one: Evaluation, cell, batch: int) -> Evaluation:
        return one


class PerAtom(Wrong):
    def _changed(self, one, cell, batch):
        return replace(one, energy=one.energy / len(cell.species))


class OfTheBasis(Wrong):
    def _changed(self, one, cell, batch):
        return replace(one, energy=one.energy + np.linalg.norm(cell.lattice[0]))


class OfTheOrigin(Wrong):
    def _changed(self, one, cell, batch):
        return replace(one, energy=one.energy + cell.frac.sum())


class OfTheFirst(Wrong):
    def _changed(self, one, cell, batch):
        return replace(one, forces=one.forces + np.arange(len(cell.species))[:, None])


class OfTheAxes(Wrong):
    def _changed(self, one, cell, batch):
        return replace(one, forces=one.forces * [1, 1, 2])


class TheOtherSign(Wrong):
    def _changed(self, one, cell, batch):
        return replace(one, forces=-one.forces)


class Pressure(Wrong):
    def _changed(self, one, cell, batch):
        return replace(one, stress=-one.stress)


class OfTheBatch(Wrong):
    def _changed(self, one, cell, batch):
        return replace(one, energy=one.energy + batch - 1)


@dataclass(frozen=True)
class NotSent(Wrong):
    made: object = lambda: None


MISTAKES = {
    NotSent: "it_can_be_sent_to_a_worker",
    PerAtom: "energies_are_extensive",
    OfTheBasis: "another_basis_changes_nothing",
    OfTheOrigin: "a_translation_changes_nothing",
    OfTheFirst: "the_order_of_atoms_changes_nothing",
    OfTheAxes: "a_rotation_turns_forces_and_stresses",
    TheOtherSign: "forces_are_minus_the_gradient",
    Pressure: "stresses_are_the_gradient_of_strain",
    OfTheBatch: "a_batch_equals_its_cells_one_by_one",
}


@pytest.mark.parametrize("wrong", MISTAKES, ids=lambda kind: kind.__name__)
def test_each_mistake_is_found_by_its_own_check(wrong):
    case = PotentialCase("wrong", wrong(), CELLS)
    (check,) = [one for one in potential_checks(case) if MISTAKES[wrong] in one.name]
    with pytest.raises(AssertionError):
        check.run()
