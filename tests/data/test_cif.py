"""The fast path for P1 CIFs says what pymatgen says, or nothing."""

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.io.cif import CifWriter

from nucleate.cell import Cell
from nucleate.data.cif import read_p1_cif
from nucleate.data.cif_pymatgen import read_sum_formula
from nucleate.data.parse import read_cif
from nucleate.errors import StructureError
from tests.data.crystal_makers import cif, random_structure, rock_salt


def in_order(cell):
    order = np.lexsort((*np.round(cell.frac.T, 6), cell.species))
    return cell.species[order], cell.frac[order], cell.lattice


def agree(text: str) -> None:
    fast = read_p1_cif(text)
    assert fast is not None
    for ours, theirs in zip(
        in_order(fast), in_order(Cell.of(Structure.from_str(text, fmt="cif"))), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_agrees_with_pymatgen(seed: int) -> None:
    agree(cif(random_structure(seed, atoms=1 + seed)))


def test_thirds_are_made_exact_as_pymatgen_does() -> None:
    text = cif(
        Structure(Lattice.hexagonal(3, 5), ["Mg", "Mg"], [[0.33335, 0.66664, 0.25], [2 / 3, 0.3334, 0.75]])
    )
    agree(text)
    frac = read_p1_cif(text).frac
    assert 1 / 3 in frac
    assert 0.3334 in frac


def test_coordinates_outside_the_cell() -> None:
    text = cif(random_structure(0, 1)).splitlines()
    text[-1] = "  Fe  Fe0  1  -0.25000000  1.50000000  -0.00000000  1"
    cell, _ = read_cif("\n".join(text))
    np.testing.assert_allclose(cell.frac, [[-0.25, 1.5, 0]])


def spoilt(old: str, new: str) -> str:
    text = cif(Structure(Lattice.cubic(4.2), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]))
    assert old in text
    return text.replace(old, new)


@pytest.mark.parametrize(
    "text",
    [
        str(CifWriter(rock_salt(), symprec=0.01)),
        spoilt("  1  'x, y, z'", "  1  'x, y, z'\n  2  '-x, -y, -z'"),
        spoilt("0.00000000  0.00000000  0.00000000  1", "0.00000000  0.00000000  0.00000000  0.5"),
        spoilt("  Na  Na0  1", "  Na  Na0  4"),
        spoilt("  Na  Na0", "  Na+  Na0"),
        spoilt("  Na  Na0", "  Qq  Na0"),
        spoilt("0.50000000", "nan"),
        spoilt("0.50000000", "0.5(1)"),
        spoilt("_cell_length_a   4.20000000", "_cell_length_a   4.2(3)"),
        spoilt("_cell_length_a   4.20000000", ""),
        spoilt("_atom_site_label\n", "_atom_site_label\n _atom_site_extra\n"),
        2 * cif(random_structure(0)),
        "",
        "no CIF at all",
    ],
)
def test_other_cif_files_are_read_by_pymatgen(text: str) -> None:
    assert read_p1_cif(text) is None


def test_symmetric_cif_goes_through_pymatgen() -> None:
    cell, _ = read_cif(str(CifWriter(rock_salt(), symprec=0.01)))
    assert sorted(cell.species.tolist()) == 4 * [11] + 4 * [17]


def test_no_cell_and_partial_occupancy_are_refused() -> None:
    with pytest.raises(StructureError, match="unreadable cif"):
        read_cif("data_x\n_cell_length_a 3\n")
    half = Structure(Lattice.cubic(4), [{"Na": 0.5, "K": 0.5}], [[0, 0, 0]])
    with pytest.raises(StructureError, match="partial occupancy"):
        read_cif(cif(half))


def with_lines(**changed: str) -> str:
    """Rock salt with its symmetry operations (which the fast path declines), some values replaced."""
    lines = str(CifWriter(rock_salt(), symprec=0.01)).split("\n")
    return "\n".join(
        f"{line.split()[0]} {changed[line.split()[0]]}" if line and line.split()[0] in changed else line
        for line in lines
    )


@pytest.mark.parametrize(
    ("formula", "units", "fits"),
    [
        ("'Na4 Cl4'", "4", True),
        ("'Na Cl'", "4", True),
        ("'Na1 Cl1'", "?", True),
        ("'Na1.002 Cl'", "4", True),
        ("?", "4", True),
        ("'Na Cl'", "2", False),
        ("'Na2 Cl3'", "4", False),
        ("'Na8 Cl8'", "?", False),
        ("'Na4 Cl4 H4'", "1", False),
        ("'Na4 Br4'", "1", False),
    ],
)
def test_atoms_are_compared_with_the_sum_formula(formula: str, units: str, fits: bool) -> None:
    text = with_lines(_chemical_formula_sum=formula, _cell_formula_units_Z=units)
    if fits:
        assert len(read_cif(text)[0].species) == 8
        return
    with pytest.raises(StructureError, match=r"contradicts its sum formula: it says .*the atoms are Na4 Cl4"):
        read_cif(text)


def test_deuterium_is_hydrogen() -> None:
    assert read_sum_formula("C2 D3 H2.5") == {"C": 2, "H": 5.5}
    assert read_sum_formula("(Fe2)3+") is None


def test_the_fast_path_compares_with_the_sum_formula() -> None:
    text = cif(rock_salt()).replace("'Na4 Cl4'", "'Na4 Cl5'")
    assert read_p1_cif(text) is None
    with pytest.raises(StructureError, match="contradicts its sum formula"):
        read_cif(text)


def test_a_second_crystal_and_a_text_without_end_are_refused() -> None:
    with pytest.raises(StructureError, match="2 blocks with atoms"):
        read_cif(2 * cif(random_structure(0)))
    with pytest.raises(StructureError, match="';' opens in line 2 never ends"):
        read_cif("data_x\n;lost\n" + cif(random_structure(0)))
    fields = "data_x\n_note\n;\ndata of 1998\n;\n" + cif(random_structure(0)).replace("data_", "#")
    assert len(read_cif(fields)[0].species) == 4
