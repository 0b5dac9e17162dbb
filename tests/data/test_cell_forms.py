"""Forms of a cell: the space group is the one that was drawn, exactly, and the crystal is still the crystal."""

from __future__ import annotations

import moyopy
import numpy as np
import pytest
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure

from nucleate.cell import Cell
from nucleate.data.cell_forms import FORMS, CellForm, space_group, standard, symmetrised
from nucleate.errors import DataError, StructureError

QUARTZ = Structure.from_spacegroup(
    "P3_121", Lattice.hexagonal(4.91, 5.40), ["Si", "O"], [[0.470, 0, 1 / 3], [0.413, 0.267, 0.119 + 1 / 3]]
)
CRYSTALS = {
    227: Structure.from_spacegroup("Fd-3m", Lattice.cubic(5.43), ["Si"], [[0, 0, 0]]).get_primitive_structure(),
    225: Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]),
    136: Structure.from_spacegroup(
        "P4_2/mnm", Lattice.tetragonal(4.59, 2.96), ["Ti", "O"], [[0, 0, 0], [0.305, 0.305, 0]]
    ),
    152: QUARTZ,
    62: Structure.from_spacegroup(
        "Pnma", Lattice.orthorhombic(5.44, 7.64, 5.38), ["Ca", "Ti", "O", "O"],
        [[0.036, 0.25, 0.993], [0, 0, 0.5], [0.484, 0.25, 0.071], [0.289, 0.037, 0.711]],
    ),
    12: Structure.from_spacegroup(
        "C2/m", Lattice.monoclinic(9.2, 3.1, 5.9, 104), ["Ga", "O"], [[0.09, 0, 0.2], [0.33, 0.5, 0.4]]
    ).get_primitive_structure(),
}  # fmt: skip


def drawn(number: int, noise: float = 0.02, hand: float = 1.0) -> Cell:
    """A crystal with every atom and vector a little off, in an unusual basis."""
    rng = np.random.default_rng(number)
    cell = Cell.of(CRYSTALS[number])
    basis = np.array([[1, 1, 0], [0, 1, 0], [0, -1, 1]])
    lattice = basis @ cell.lattice @ (np.eye(3) + rng.normal(0, noise / 10, (3, 3)))
    frac = cell.frac @ np.linalg.inv(basis)
    return Cell(
        cell.species, frac + rng.normal(0, noise, frac.shape) @ np.linalg.inv(lattice), hand * lattice
    )


def group(cell: Cell, symprec: float = 1e-4) -> int:
    """By moyo, which the code under test does not use."""
    given = moyopy.Cell(cell.lattice.tolist(), cell.frac.tolist(), cell.species.tolist())
    return moyopy.MoyoDataset(given, symprec=symprec).number


@pytest.mark.parametrize("number", CRYSTALS)
@pytest.mark.parametrize("form", FORMS[1:])
def test_a_drawn_crystal_gets_the_exact_symmetry_of_its_space_group(number: int, form: str) -> None:
    cell = drawn(number)
    assert group(cell) <= 2  # two atoms of one kind have an inversion between them
    better = CellForm(form, 0.2).of(cell)
    assert group(better) == number
    density = np.linalg.det(better.lattice) / len(better.species)
    assert density == pytest.approx(np.linalg.det(cell.lattice) / len(cell.species), rel=0.01)
    matcher = StructureMatcher(0.02, 0.05, 1, scale=False)
    assert matcher.fit(better.to_structure(), cell.to_structure())


@pytest.mark.parametrize("number", CRYSTALS)
def test_symmetrised_is_the_same_cell_with_the_same_atoms(number: int) -> None:
    cell = drawn(number)
    better = symmetrised(cell, 0.2)
    assert (better.species == cell.species).all()
    assert np.abs(better.lattice - cell.lattice).max() < 0.15
    shift = (better.frac - cell.frac) @ better.lattice
    assert np.linalg.norm(shift, axis=1).max() < 0.12
    again = symmetrised(better, 0.2)
    np.testing.assert_allclose(again.frac, better.frac, atol=1e-9)
    np.testing.assert_allclose(again.lattice, better.lattice, atol=1e-9)


def test_standard_cells_hold_what_the_tables_say() -> None:
    silicon = drawn(227)
    assert len(standard(silicon, 0.2).species) == 8
    assert len(standard(silicon, 0.2, primitive=True).species) == 2
    a, b, c = standard(silicon, 0.2).lattice
    assert a @ b == pytest.approx(0, abs=1e-9)
    assert np.linalg.norm(a) == pytest.approx(np.linalg.norm(c))
    assert len(standard(drawn(12), 0.2).species) == 8


@pytest.mark.parametrize("form", FORMS[1:])
def test_a_left_handed_basis_keeps_the_hand_of_the_crystal(form: str) -> None:
    """P3_121 and P3_221 are mirror images."""
    cell = Cell.of(QUARTZ)
    swapped = Cell(cell.species, cell.frac[:, [1, 0, 2]], cell.lattice[[1, 0, 2]])
    assert np.linalg.det(swapped.lattice) < 0
    assert group(CellForm(form).of(swapped)) == 152
    mirrored = Cell(cell.species, cell.frac, cell.lattice * [1, 1, -1])
    assert group(CellForm(form).of(mirrored)) == 154


def test_as_is_changes_nothing_and_a_narrow_tolerance_finds_nothing() -> None:
    cell = drawn(225)
    assert CellForm().of(cell) is cell
    assert (space_group(cell, 1e-3), space_group(cell, 0.2)) == ("P1", "Fm-3m")


def test_a_crystal_without_symmetry_is_an_error_with_the_tolerance() -> None:
    double = Cell(np.array([3, 3]), np.zeros((2, 3)), 3 * np.eye(3))
    for form in FORMS[1:]:
        with pytest.raises(StructureError, match=r"no space group can be found within 0\.1 Å"):
            CellForm(form).of(double)
        with pytest.raises(StructureError, match="not finite"):
            CellForm(form).of(double._replace(lattice=double.lattice * np.nan))
    assert space_group(double) == "-"


@pytest.mark.parametrize("bad", [{"name": "cubic"}, {"symprec": 0.0}, {"symprec": float("nan")}])
def test_unknown_forms_are_refused(bad: dict) -> None:
    with pytest.raises(DataError, match="hint"):
        CellForm(**bad)
