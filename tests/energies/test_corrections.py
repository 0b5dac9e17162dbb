"""Corrections of the Materials Project: textbook values, the same U as its input set, and hulls that need them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.entries.computed_entries import ComputedEntry
from pymatgen.io.vasp.sets import MPRelaxSet

from nucleate.cell import Cell
from nucleate.energies.corrections import hubbard_values, mp2020_correction
from nucleate.energies.element_energies import fit_elements
from nucleate.energies.hull_sources import hull_of_entries
from nucleate.energies.placing import above_hull, same_scale
from nucleate.energies.potential import Potential
from nucleate.energies.references import ReferenceStructures
from nucleate.errors import NucleateError
from tests.metrics.crystals_for_tests import table_of


def salt(first: str, second: str, a: float = 4.2) -> Structure:
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), [first, second], [[0, 0, 0], [0.5, 0.5, 0.5]])


@dataclass(frozen=True)
class Flat(Potential):
    """The same energy for every atom."""

    name: str = "flat"
    mp_raw: bool = False
    identity: str = "flat"  # pyright: ignore[reportIncompatibleVariableOverride]

    def calculator(self) -> None:
        return None

    def energy(self, cell: Cell) -> float:
        return -3.0 * len(cell.species)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("Mg", "O", -0.687 / 2),
        ("Na", "Cl", -0.614 / 2),
        ("Ni", "O", -(0.687 + 2.541) / 2),
        ("Fe", "O", -(0.687 + 2.256) / 2),
        ("Zn", "S", -0.503 / 2),
        ("Ti", "C", 0.0),
    ],
)
def test_published_values(first: str, second: str, expected: float) -> None:
    """Wang et al., Sci. Rep. 11, 15496 (2021), table 2, eV for each anion and metal."""
    cell = Cell.of(salt(first, second))
    correction = mp2020_correction(cell)
    assert correction is not None
    assert correction / len(cell.species) == pytest.approx(expected, abs=2e-3)


def test_peroxides_are_not_oxides() -> None:
    """BaO2 with its O-O bond of 1.49 Å: -0.465 eV for each oxygen instead of -0.687."""
    lattice = Lattice.tetragonal(3.81, 6.84)
    half = 1.49 / 2 / 6.84
    peroxide = Structure.from_spacegroup("I4/mmm", lattice, ["Ba", "O"], [[0, 0, 0], [0, 0, 0.5 - half]])
    cell = Cell.of(peroxide)
    assert mp2020_correction(cell) == pytest.approx(-0.465 * (cell.species == 8).sum(), abs=0.01)


@pytest.mark.parametrize(
    "pair", [("Ni", "O"), ("Mn", "F"), ("Fe", "S"), ("Mg", "O"), ("Cr", "Cl"), ("W", "O")]
)
def test_u_of_the_relaxation_set(pair: tuple[str, str]) -> None:
    structure = salt(*pair)
    incar = MPRelaxSet(structure).incar
    values = dict(zip([str(e) for e in structure.elements], incar.get("LDAUU", []), strict=False))
    assert hubbard_values(Cell.of(structure)) == {symbol: u for symbol, u in values.items() if u}


def test_an_element_without_electronegativity_changes_no_u() -> None:
    cell = Cell.of(salt("Fe", "O"))
    for species in ([2, *cell.species[1:]], [*cell.species[:-1], 2]):
        assert hubbard_values(cell._replace(species=np.array(species))) == {"Fe": 5.3}


def test_only_raw_energies_are_corrected_and_only_against_corrected_phases() -> None:
    cell = Cell.of(salt("Mg", "O"))
    entries = [ComputedEntry(name, -3.0 * atoms) for name, atoms in (("Mg", 1), ("O", 1), ("MgO", 2))]
    hull = hull_of_entries(entries, "x")
    energy = -3.0 * len(cell.species)
    assert above_hull(cell, energy, Flat(), hull).energy == pytest.approx(0.0)
    assert above_hull(cell, energy, Flat(mp_raw=True), hull).energy == pytest.approx(-0.3435, abs=1e-3)
    hull.name = "potential"
    assert above_hull(cell, energy, Flat(mp_raw=True), hull).energy == pytest.approx(0.0)
    hull.name = "entries"
    same_scale(Flat(mp_raw=True), hull)
    with pytest.raises(NucleateError, match="energies of flat can't be compared"):
        same_scale(Flat(), hull)


def test_energies_of_the_elements_are_fitted_to_corrected_energies() -> None:
    """What corrected energies give exactly, oxides with U and without, raw ones do not: oxygen has no one energy."""
    structures = [salt("Ni", "O"), salt("Mg", "O"), salt("Ni", "Ni", 3.5), salt("Mg", "Mg", 4.5)]
    structures += [salt("Ni", "Mg", 4.0)] * 2 + [salt("Ni", "O", 4.3), salt("Mg", "O", 4.4)]
    cells = [Cell.of(one) for one in structures]
    true = {28: -5.0, 12: -1.5, 8: -4.0}
    formation = [
        (-3.0 * len(c.species) + (mp2020_correction(c) or 0.0) - sum(true[int(z)] for z in c.species)) / len(c.species)
        for c in cells
    ]  # fmt: skip
    table = table_of(structures)
    table.properties["formation_energy_per_atom"] = np.array(formation)
    reference = ReferenceStructures.of_tables([table])
    fit = fit_elements(reference, Flat(mp_raw=True))
    assert fit.energies == pytest.approx(true, abs=1e-6)
    assert fit_elements(reference, Flat()).unreliable.keys() == {8}
