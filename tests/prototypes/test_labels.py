"""Names of prototypes: known ones, and the same name whatever the order of elements and the origin."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from nucleate.cell import Cell
from nucleate.prototypes.entry import describe
from nucleate.prototypes.labels import anonymous, automorphisms, orders, prototype_label, renamings

HALF = (0.5, 0.5, 0.5)
KNOWN = {
    "ABC3_cP5_221_a_b_c": ("Pm-3m", Lattice.cubic(3.9), ["Sr", "Ti", "O"], [[0, 0, 0], HALF, [0.5, 0.5, 0]]),
    "AB_cF8_225_a_b": ("Fm-3m", Lattice.cubic(5.6), ["Na", "Cl"], [[0, 0, 0], HALF]),
    "AB2_hP3_191_a_d": (
        "P6/mmm", Lattice.hexagonal(3.09, 3.52), ["Mg", "B"], [[0, 0, 0], [1 / 3, 2 / 3, 0.5]],
    ),
    "AB2_tP6_136_a_f": (
        "P4_2/mnm", Lattice.tetragonal(4.594, 2.959), ["Ti", "O"], [[0, 0, 0], [0.3048, 0.3048, 0]],
    ),
}  # fmt: skip


def known(label: str, shift=(0, 0, 0)) -> Cell:
    group, lattice, elements, places = KNOWN[label]
    structure = Structure.from_spacegroup(group, lattice, elements, places).get_primitive_structure()
    cell = Cell.of(structure)
    return Cell(cell.species, cell.frac + np.array(shift), cell.lattice)


@pytest.mark.parametrize("label", KNOWN)
def test_textbook_names(label):
    entry = describe(known(label))
    assert entry is not None
    assert entry.label == label


@pytest.mark.parametrize("label", KNOWN)
def test_the_name_does_not_depend_on_the_origin_the_basis_or_the_order_of_atoms(label):
    cell = known(label, (0.13, 0.71, 0.2))
    order = np.random.default_rng(0).permutation(len(cell.species))
    basis = np.array([[1, 1, 0], [0, 1, 0], [1, 0, 1]])
    moved = Cell(cell.species[order], (cell.frac @ np.linalg.inv(basis))[order], basis @ cell.lattice)
    entry = describe(moved)
    assert entry is not None
    assert entry.label == label


@pytest.mark.parametrize("label", KNOWN)
def test_labels_agree_with_those_of_pymatgen(label):
    """pymatgen orders roles by the alphabet of its symbols; what is left is the same positions."""
    # Here, since importing it reads a bibliography for ten seconds.
    from pymatgen.analysis.prototypes import (
        get_protostructure_label_from_moyopy,
        get_prototype_from_protostructure,
    )

    theirs = get_prototype_from_protostructure(
        get_protostructure_label_from_moyopy(known(label).to_structure())
    )
    assert theirs.split("_")[1:3] == label.split("_")[1:3]
    assert sorted(theirs.split("_")[3:]) == sorted(label.split("_")[3:])


def test_roles_of_one_count_take_the_order_of_their_letters():
    label, order = prototype_label("cP5", 221, [3, 1, 1], ["c", "b", "a"])
    assert label == "ABC3_cP5_221_a_b_c"
    assert order in ([2, 1, 0], [1, 2, 0])  # the two origins of a perovskite


def test_anonymous_formulas():
    assert anonymous([2, 2, 6]) == "ABC3"
    assert anonymous([4]) == "A"
    assert anonymous([1] * 28)[-2:] == "Ab"


def test_orders_keep_counts_and_too_many_give_the_identity():
    assert set(orders([1, 3, 1])) == {(0, 2, 1), (2, 0, 1)}
    assert orders([2] * 7) == [tuple(range(7))]


def test_renamings_are_those_of_pymatgen():
    from pymatgen.analysis.prototypes import WYCKOFF_POSITION_RELAB_DICT

    for number in range(1, 231):
        theirs = {
            tuple(sorted((key, ord(value)) for key, value in one.items()))
            for one in WYCKOFF_POSITION_RELAB_DICT[str(number)]
        }
        ours = [tuple(sorted(one.items())) for one in renamings(number)]
        assert all(key == value for key, value in ours[0])
        assert set(ours[1:]) == theirs - {ours[0]}


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("AB_cF8_225_a_b", {(0, 1), (1, 0)}),  # rock salt: either element may be at the origin
        ("ABC3_cP5_221_a_b_c", {(0, 1, 2)}),
        ("ABC_cF12_216_a_b_c", {(0, 1, 2), (1, 0, 2)}),  # half-Heusler: c is between a and b
        ("AB2C4_cF56_227_a_d_e", {(0, 1, 2)}),
    ],
)
def test_automorphisms_give_the_same_crystal(label, expected):
    assert set(automorphisms(label)) == expected
