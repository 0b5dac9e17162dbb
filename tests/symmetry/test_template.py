"""A template has the operations of its crystal, exactly."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.cell import Cell
from nucleate.errors import DataError, FormulaError
from nucleate.symmetry.operations import operations_of_number
from nucleate.symmetry.template import Template

RUTILE = Cell(
    np.array([22, 22, 8, 8, 8, 8]),
    np.array(
        [
            [0, 0, 0],
            [0.5, 0.5, 0.5],
            [0.305, 0.305, 0],
            [0.695, 0.695, 0],
            [0.805, 0.195, 0.5],
            [0.195, 0.805, 0.5],
        ]
    ),
    np.diag([4.59, 4.59, 2.96]),
)
WURTZITE = Cell(
    np.array([30, 30, 16, 16]),
    np.array([[1 / 3, 2 / 3, 0.1], [2 / 3, 1 / 3, 0.6], [1 / 3, 2 / 3, 0.475], [2 / 3, 1 / 3, 0.975]]),
    np.array([[3.8, 0, 0], [-1.9, 1.9 * 3**0.5, 0], [0, 0, 6.2]]),
)


def shaken(cell: Cell, size: float) -> Cell:
    rng = np.random.default_rng(1)
    moved = cell.frac + rng.normal(0, size, cell.frac.shape) @ np.linalg.inv(cell.lattice)
    strain = np.eye(3) + rng.normal(0, size / 10, (3, 3))
    return Cell(cell.species, moved, cell.lattice @ (strain + strain.T) / 2)


def misfit(template: Template) -> float:
    """The largest distance, in cells, of an image from the atom it should fall on."""
    carried = np.einsum("gij,aj->gai", template.rotations, template.frac) + template.translations[:, None]
    gap = carried - template.frac[template.images]
    return float(np.abs(gap - np.round(gap)).max())


@pytest.mark.parametrize(("cell", "number", "order"), [(RUTILE, 136, 16), (WURTZITE, 186, 12)])
def test_template_of_a_displaced_crystal(cell: Cell, number: int, order: int) -> None:
    template = Template.of(shaken(cell, 0.01), symprec=0.1)
    assert template.number == number
    assert len(template.rotations) == order
    assert misfit(template) < 1e-12
    assert template.lattice is not None
    metric = template.lattice @ template.lattice.T
    for rotation in template.rotations:
        np.testing.assert_allclose(rotation.T @ metric @ rotation, metric, atol=1e-12)


def test_a_template_stays_near_the_crystal() -> None:
    near = shaken(RUTILE, 0.01)
    template = Template.of(near)
    gap = template.frac - near.frac
    assert np.abs((gap - np.round(gap)) @ near.lattice).max() < 0.05
    assert template.lattice is not None
    np.testing.assert_allclose(template.lattice, near.lattice, atol=0.05)


def test_in_the_niggli_cell_it_is_the_same_crystal() -> None:
    change = np.array([[1, 0, 0], [0, 1, 0], [2, 1, 1]])
    first = Template.of(WURTZITE)
    skew = first.in_basis(change)
    assert misfit(skew) < 1e-12
    reduced = skew.reduced()
    assert misfit(reduced) < 1e-12
    assert reduced.lattice is not None
    assert first.lattice is not None
    assert skew.lattice is not None
    assert np.linalg.norm(skew.lattice, axis=1).max() > 8
    np.testing.assert_allclose(
        np.sort(np.linalg.norm(reduced.lattice, axis=1)), np.sort(np.linalg.norm(first.lattice, axis=1))
    )
    metric = reduced.lattice @ reduced.lattice.T
    for rotation in reduced.rotations:
        np.testing.assert_allclose(rotation.T @ metric @ rotation, metric, atol=1e-10)
    gap = reduced.frac @ reduced.lattice - first.frac @ first.lattice
    away = gap @ np.linalg.inv(first.lattice)
    np.testing.assert_allclose(away, np.round(away), atol=1e-9)


def test_orbits() -> None:
    assert Template.of(RUTILE).orbits.tolist() == [0, 0, 2, 2, 2, 2]


def test_a_crystal_without_symmetry() -> None:
    assert Template.of(shaken(RUTILE, 0.3), symprec=0.01).number == 1


def test_too_long_a_cell_is_refused() -> None:
    simple = Cell(np.array([84, 84]), np.array([[0, 0, 0], [0, 0, 0.5]]), np.diag([3.0, 3.0, 6.0]))
    with pytest.raises(DataError, match="not all of them"):
        Template.of(simple)


def test_a_degenerate_cell_is_refused() -> None:
    with pytest.raises(DataError, match="no space group"):
        Template.of(Cell(np.array([1]), np.zeros((1, 3)), np.zeros((3, 3))))


def test_there_is_no_group_231() -> None:
    with pytest.raises(FormulaError, match="no space group 231"):
        operations_of_number(231)
