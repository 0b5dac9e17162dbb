"""Space groups of textbook structures, cells that have none, and agreement with spglib."""

import numpy as np
import pytest

from nucleate.cell import Cell
from nucleate.errors import DataError
from nucleate.metrics.dng.symmetry import (
    CRYSTAL_SYSTEMS,
    SymmetrySettings,
    crystal_system,
    judge_symmetry,
    space_group,
    space_groups,
    symbol,
)
from nucleate.metrics.intervals import wilson
from tests.metrics.dng.cells_for_tests import box, broken_cells, distorted_cells, known_cells, real_cells

TEXTBOOK = [229, 225, 227, 221, 186, 136, 166, 14, 1, 221]
"""Space groups that crystals_for_tests builds its crystals with: iron, rock salt, diamond, perovskite, ..."""


def test_textbook_structures_have_their_space_groups_at_every_tolerance():
    for symprec in (0.01, 0.1):
        assert space_groups(known_cells(), symprec) == TEXTBOOK
    assert [symbol(number) for number in TEXTBOOK[:3]] == ["Im-3m", "Fm-3m", "Fd-3m"]


def test_space_group_does_not_depend_on_the_cell_it_is_given_in():
    rock_salt = known_cells()[1].to_structure()
    assert space_group(Cell.of(rock_salt.get_primitive_structure()), 0.01) == 225
    assert space_group(Cell.of(rock_salt * (2, 1, 1)), 0.01) == 225


@pytest.mark.parametrize(
    ("number", "system"),
    [
        (1, "triclinic"), (2, "triclinic"), (3, "monoclinic"), (15, "monoclinic"), (16, "orthorhombic"),
        (74, "orthorhombic"), (75, "tetragonal"), (142, "tetragonal"), (143, "trigonal"), (167, "trigonal"),
        (168, "hexagonal"), (194, "hexagonal"), (195, "cubic"), (230, "cubic"),
    ],
)  # fmt: skip
def test_crystal_systems_at_their_bounds(number, system):
    assert crystal_system(number) == system


def test_crystal_systems_are_moyos():
    import moyopy

    for number in range(1, 231):
        assert crystal_system(number) == str(moyopy.SpaceGroupType(number).crystal_system).lower()


def test_cells_without_a_space_group():
    assert [space_group(cell, 0.1) for cell in broken_cells().values()] == [None] * 5
    twice = box("Fe Fe", [[0, 0, 0], [0, 0, 0.0001]])
    assert space_group(twice, 0.1) is None


def test_shares_are_over_all_samples():
    samples = [*known_cells(), None, *distorted_cells(0, 8)]
    family = judge_symmetry(samples, reference=known_cells())
    # two atoms always have an inversion centre between them: the distorted iron is P-1
    assert family.measures["p1"].estimate == wilson(8, 19)
    assert family.measures["triclinic"].estimate == wilson(9, 19)
    assert family.measures["cubic"].estimate == wilson(5, 19)
    assert family.measures["space_group_found"].estimate == wilson(18, 19)
    assert family.measures["p1_reference"].estimate == wilson(1, 10)
    assert family.columns["space_group"][:11] == [*TEXTBOOK, None]
    assert family.columns["crystal_system"][9:11] == ["cubic", None]
    assert len(family.columns["space_group_0.01"]) == 19
    assert any("1 samples could not be found at 0.1 Å" in note for note in family.notes)


def test_symmetry_shows_only_at_the_wider_tolerance():
    cell = known_cells()[1]
    shaken = cell._replace(frac=cell.frac + np.random.default_rng(0).normal(0, 0.02 / 5.64, cell.frac.shape))
    family = judge_symmetry([shaken])
    assert family.columns["space_group"] == [225]
    assert family.columns["space_group_0.01"] == [1]
    assert family.columns["crystal_system_0.01"] == [CRYSTAL_SYSTEMS[0]]


def test_bad_input_is_reported_by_name():
    with pytest.raises(DataError, match="no samples"):
        judge_symmetry([])
    for symprec in ((), (0.1, -0.1)):
        with pytest.raises(DataError, match="each symprec must be above 0"):
            SymmetrySettings(symprec)


@pytest.mark.slow
@pytest.mark.parametrize("symprec", [0.01, 0.1])
def test_real_crystals_have_the_space_group_of_spglib(symprec):
    import spglib

    cells = real_cells("mp_20", "train", 1000)
    agree = 0
    for cell in cells:
        found = spglib.get_symmetry_dataset(
            (cell.lattice.tolist(), cell.frac.tolist(), cell.species.tolist()), symprec=symprec
        )
        agree += found is not None and found.number == space_group(cell, symprec)
    assert agree / len(cells) > 0.97


def test_cells_shorter_than_an_angstrom_have_no_space_group():
    """moyo does not come back from some of them."""
    thin = box("Na Cl", [[0, 0, 0], [0.5, 0.5, 0.5]])._replace(lattice=np.diag([7.0, 5.0, 0.9]))
    assert space_group(thin, 0.1) is None
    assert space_group(thin._replace(lattice=np.diag([7.0, 5.0, 1.1])), 0.1) is not None
