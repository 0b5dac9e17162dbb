"""SevenNet: published checkpoints by name, energies known from their package, and CHGNet's scale after corrections."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from nucleate.cell import Cell
from nucleate.energies.hull_sources import hull_of_entries
from nucleate.energies.placing import place
from nucleate.energies.potential import quiet_single_thread
from nucleate.energies.potentials import potential_named
from nucleate.energies.relax import RelaxSettings
from nucleate.energies.sevennet import CHECKPOINTS
from nucleate.testing import PotentialCase, potential_tests
from tests.energies.crystals import copper_gold, rattled

pytest.importorskip("sevenn")


def rock_salt(first: str, second: str, a: float) -> Cell:
    both = [[0, 0, 0], [0.5, 0.5, 0.5]]
    return Cell.of(
        Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), [first, second], both).get_primitive_structure()
    )


SALTS = {
    "NaCl": rock_salt("Na", "Cl", 5.64),
    "MgO": rock_salt("Mg", "O", 4.212),
    "NiO": rock_salt("Ni", "O", 4.177),
}
CELLS = [rattled(copper_gold()["CuAu"], seed=1), rattled(SALTS["MgO"].to_structure(), seed=2)]
# float32
test_conformance = potential_tests(
    [
        PotentialCase(
            "sevennet", potential_named("sevennet"), CELLS, energy=2e-5, force=0.02, stress=2e-3, step=0.01
        )
    ]
)


def per_atom(name: str, cell: Cell) -> float:
    with quiet_single_thread():
        return potential_named(name).energy(cell) / len(cell.species)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sevennet", {"NaCl": -3.383, "MgO": -5.977, "NiO": -4.927}),
        ("sevennet-l3i5", {"NaCl": -3.385, "MgO": -5.980, "NiO": -4.935}),
    ],
)
def test_energies_of_its_package(name: str, expected: dict[str, float]) -> None:
    for salt, energy in expected.items():
        assert per_atom(name, SALTS[salt]) == pytest.approx(energy, abs=0.01)


def test_the_checkpoints_in_the_wheel_answer_without_the_network() -> None:
    energies = {name: per_atom(name, SALTS["MgO"]) for name in CHECKPOINTS if name != "sevennet-mf-ompa"}
    assert len(set(energies.values())) == len(energies) == 4
    assert all(energy == pytest.approx(-5.97, abs=0.03) for energy in energies.values())


def test_corrected_sevennet_is_chgnet_of_the_same_salts() -> None:
    """The salts differ by 0.28 to 1.55 eV/atom before, by the anion's correction and nickel's U after."""
    from nucleate.energies.corrections import mp2020_correction

    for cell in SALTS.values():
        raw, corrected = per_atom("sevennet", cell), per_atom("chgnet", cell)
        added = (mp2020_correction(cell) or 0.0) / len(cell.species)
        assert abs(corrected - raw) > 0.25
        assert raw + added == pytest.approx(corrected, abs=0.08)


def test_a_corrected_hull_gets_corrected_energies() -> None:
    """MgO against itself: at its corrected energy it is on the hull; CHGNet, corrected already, is left alone."""
    from pymatgen.entries.computed_entries import ComputedEntry

    magnesium, oxygen = ComputedEntry("Mg", -1.5), ComputedEntry("O", -4.9)
    hull = hull_of_entries([magnesium, oxygen, ComputedEntry("MgO", 2 * -6.314)], "x")
    settings = RelaxSettings(max_steps=20)
    for name in ("sevennet", "chgnet"):
        (placed,) = place([SALTS["MgO"]], potential_named(name), hull, settings)
        assert placed.above.energy == pytest.approx(0.0, abs=0.02)


def test_an_atom_alone_is_refused_and_not_judged() -> None:
    alone = Cell(np.array([11]), np.zeros((1, 3)), 9 * np.eye(3))
    (placed,) = place([alone], potential_named("sevennet"), hull_of_entries_of_sodium())
    assert placed.relaxed.reason == "isolated_atom"


def hull_of_entries_of_sodium():
    from pymatgen.entries.computed_entries import ComputedEntry

    return hull_of_entries([ComputedEntry("Na", -1.3)], "x")
