"""Crystals <-> pymatgen and ASE, padding, and what is refused."""

import numpy as np
import pytest
import torch
from ase import Atoms
from pymatgen.core import Lattice, Structure

from nucleate.crystals import Crystals, wrap
from nucleate.errors import StructureError


def structures() -> list[Structure]:
    rng = np.random.default_rng(0)
    return [
        Structure(
            Lattice.from_parameters(*rng.uniform(3, 9, 3), *rng.uniform(70, 110, 3)),
            rng.integers(1, 95, size).tolist(),
            rng.random((size, 3)),
        )
        for size in (3, 1, 7)
    ]


def test_structures_come_back_bit_for_bit() -> None:
    before = structures()
    after = Crystals.from_structures(before).to_structures()
    for one, other in zip(before, after, strict=True):
        assert one.atomic_numbers == other.atomic_numbers
        np.testing.assert_array_equal(one.lattice.matrix, other.lattice.matrix)
        np.testing.assert_array_equal(one.frac_coords, other.frac_coords)


def test_atoms_come_back() -> None:
    before = [
        Atoms(numbers=s.atomic_numbers, positions=s.cart_coords, cell=s.lattice.matrix, pbc=True)
        for s in structures()
    ]
    after = Crystals.from_atoms(before).to_atoms()
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one.numbers, other.numbers)
        np.testing.assert_array_equal(one.cell.array, other.cell.array)
        np.testing.assert_allclose(one.positions, other.positions, atol=1e-13)
        assert other.pbc.all()


def test_pymatgen_and_ase_give_the_same_crystals() -> None:
    direct = Crystals.from_structures(structures())
    through_ase = Crystals.from_atoms(direct.to_atoms())
    assert torch.equal(direct.species, through_ase.species)
    assert torch.equal(direct.lattice, through_ase.lattice)
    torch.testing.assert_close(direct.frac, through_ase.frac, rtol=0, atol=1e-14)


def test_cells_are_the_crystals_without_padding() -> None:
    crystals = Crystals.from_structures(structures())
    cells = crystals.cells()
    assert [len(cell.species) for cell in cells] == [3, 1, 7]
    for cell, structure in zip(cells, structures(), strict=True):
        np.testing.assert_array_equal(cell.species, structure.atomic_numbers)
        np.testing.assert_array_equal(cell.frac, structure.frac_coords)
        np.testing.assert_array_equal(cell.lattice, structure.lattice.matrix)
    single = Crystals.of_cells(cells, torch.float32)
    assert single.frac.dtype == single.lattice.dtype == torch.float32
    assert {array.dtype for cell in single.cells() for array in cell[1:]} == {np.dtype(float)}
    assert torch.equal(Crystals.of_cells(cells).frac, crystals.frac)


def test_padding_is_empty_and_last() -> None:
    crystals = Crystals.from_structures(structures())
    assert crystals.sizes.tolist() == [3, 1, 7]
    assert crystals.species.shape == (3, 7)
    assert crystals.mask.tolist()[1] == [True] + 6 * [False]
    assert (crystals.species[~crystals.mask] == 0).all()
    assert (crystals.frac[~crystals.mask] == 0).all()
    assert (crystals.species[crystals.mask] > 0).all()


def test_indexing_keeps_rows_together() -> None:
    crystals = Crystals.from_structures(structures())
    part = crystals[torch.tensor([2, 0])]
    assert part.sizes.tolist() == [7, 3]
    assert torch.equal(part.lattice, crystals.lattice[[2, 0]])
    assert len(crystals[1:]) == 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_wrap_never_gives_one(dtype: torch.dtype) -> None:
    wrapped = wrap(torch.tensor([-1e-20, -0.25, 1.0, 1 - 1e-17, 2.5, 0.0], dtype=dtype))
    assert ((wrapped >= 0) & (wrapped < 1)).all()
    assert wrapped.tolist() == [0.0, 0.75, 0.0, 0.0, 0.5, 0.0]


def test_coordinates_outside_the_cell_are_wrapped() -> None:
    one = Structure(Lattice.cubic(4), ["Na", "Cl"], [[-1e-18, 1.25, -0.5], [0.5, 3.0, 0.5]])
    frac = Crystals.from_structures([one]).frac[0]
    assert frac.tolist() == [[0.0, 0.25, 0.5], [0.5, 0.0, 0.5]]


def test_left_handed_cells_are_kept_as_they_are() -> None:
    cell = np.diag([3.0, 4.0, -5.0])
    atoms = Atoms("NaCl", scaled_positions=[[0, 0, 0], [0.5, 0.25, 0.125]], cell=cell, pbc=True)
    np.testing.assert_array_equal(Crystals.from_atoms([atoms]).to_atoms()[0].cell.array, cell)


def test_bad_input() -> None:
    with pytest.raises(StructureError, match="no crystals"):
        Crystals.from_structures([])
    disordered = Structure(Lattice.cubic(4), [{"Na": 0.5, "K": 0.5}], [[0, 0, 0]])
    with pytest.raises(StructureError, match="partially occupied"):
        Crystals.from_structures([disordered])
    with pytest.raises(StructureError, match="three-dimensional"):
        Crystals.from_atoms([Atoms("H2", positions=[[0, 0, 0], [0, 0, 0.74]])])
