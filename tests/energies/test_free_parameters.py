"""Free parameters: as many as the space group leaves, the group kept exactly, gradients those of energies."""

from __future__ import annotations

import numpy as np
import pytest
import spglib
from pymatgen.core import Lattice, Structure

from nucleate.cell import Cell
from nucleate.energies.free_parameters import FreeParameters
from nucleate.energies.springs import LEAST_STRAIN, spring_hessian, springs
from tests.energies.crystals import EMT, copper_gold, fcc, rattled


def polar() -> Cell:
    """Copper and gold along a fourfold axis: heights are free, the origin of the axis is not fixed."""
    places = [[0, 0, 0], [0.5, 0.5, 0.23], [0, 0, 0.46], [0.5, 0.5, 0.77]]
    return Cell.of(Structure(Lattice.tetragonal(2.8, 7.4), ["Cu", "Au", "Cu", "Cu"], places))


def rock_salt() -> Cell:
    return Cell.of(
        Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.7), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    )


def wurtzite() -> Cell:
    places = [[1 / 3, 2 / 3, 0.0], [1 / 3, 2 / 3, 0.37]]
    return Cell.of(Structure.from_spacegroup("P6_3mc", Lattice.hexagonal(3.8, 6.3), ["Zn", "S"], places))


@pytest.mark.parametrize(
    ("cell", "number", "strains", "ways"),
    [
        (rock_salt(), 225, 1, 0),
        (wurtzite(), 186, 2, 1),
        (polar(), 99, 2, 3),
        (rattled(copper_gold()["CuAu3"]), 1, 6, 9),
    ],
)
def test_a_crystal_has_as_many_as_its_group_leaves(cell: Cell, number: int, strains: int, ways: int) -> None:
    """Heights of four atoms on a polar axis without the common one: three; the coordinate u of wurtzite: one."""
    free = FreeParameters.of(cell, 0.01)
    assert (free.number, len(free.strains), len(free.ways)) == (number, strains, ways)
    assert len(free) == strains + ways
    everything = FreeParameters.of(cell)
    assert (everything.number, len(everything)) == (1, 6 + 3 * len(cell.species) - 3)
    assert len(FreeParameters.of(cell, 0.01, strained=False).strains) == 0


@pytest.mark.parametrize("cell", [rock_salt(), wurtzite(), polar()])
def test_crystals_at_any_free_parameters_have_the_group(cell: Cell) -> None:
    free = FreeParameters.of(cell, 0.01)
    moved = free.cell_at(np.random.default_rng(0).normal(0, 0.05, len(free)))
    given = (moved.lattice.tolist(), moved.frac.tolist(), moved.species.tolist())
    found = spglib.get_symmetry_dataset(given, symprec=1e-5)
    assert found is not None
    assert found.number == free.number
    assert not np.allclose(moved.lattice, free.reference.lattice)
    assert np.allclose(free.cell_at(np.zeros(len(free))).lattice, cell.lattice)


@pytest.mark.parametrize("symprec", [0.01, None])
@pytest.mark.parametrize("cell", [polar(), rattled(copper_gold()["Cu3Au"], 0.05)])
def test_gradients_are_those_of_energies(cell: Cell, symprec: float | None) -> None:
    """Central differences of EMT's energy along every coordinate, away from the reference."""
    free = FreeParameters.of(cell, symprec)
    x = np.random.default_rng(1).normal(0, 0.04, len(free))
    here = free.cell_at(x)
    gradient = free.gradient(x, EMT.evaluate([here])[0], here.volume)
    step = 1e-4
    for place in range(len(free)):
        way = np.eye(len(free))[place] * step
        difference = EMT.energy(free.cell_at(x + way)) - EMT.energy(free.cell_at(x - way))
        assert gradient[place] == pytest.approx(difference / 2 / step, abs=2e-4)


def test_forces_within_a_group_are_complete() -> None:
    """Forces of a symmetric crystal have nothing outside of its free parameters, so the largest is the same."""
    cell = polar()
    said = EMT.evaluate([cell])[0]
    held, everything = FreeParameters.of(cell, 0.01), FreeParameters.of(cell)
    sizes = [
        free.largest(free.gradient(np.zeros(len(free)), said, cell.volume)) for free in (held, everything)
    ]
    assert sizes[0] == pytest.approx(sizes[1], rel=1e-6)
    assert sizes[0] > 0.01


def test_springs_of_copper_under_pressure() -> None:
    """An even strain e stretches every spring by e r: the second derivative is the sum of k r^2 over pairs."""
    free = FreeParameters.of(Cell.of(fcc("Cu", 3.6)), 0.01)
    first, second, vectors, stiffness = springs(free.reference)
    assert len(first) == len(second)
    total = 0.5 * float((stiffness * np.square(vectors).sum(1)).sum()) / 3
    assert len(free) == 1
    assert spring_hessian(free)[0, 0] == pytest.approx(total + LEAST_STRAIN * free.reference.volume)


def test_springs_have_the_symmetry_of_the_group() -> None:
    """Stiffness in all parameters, asked along those that a group leaves, is the stiffness in these."""
    held, everything = FreeParameters.of(wurtzite(), 0.01), FreeParameters.of(wurtzite())
    strains = np.einsum("aij,bij->ab", held.strains, everything.strains)
    ways = np.einsum("aij,bij->ab", held.ways, everything.ways)
    along = np.block(
        [
            [strains, np.zeros((len(strains), ways.shape[1]))],
            [np.zeros((len(ways), strains.shape[1])), ways],
        ]
    )
    assert np.allclose(along @ spring_hessian(everything) @ along.T, spring_hessian(held), atol=1e-6)
    assert np.linalg.eigvalsh(spring_hessian(everything)).min() > 0
