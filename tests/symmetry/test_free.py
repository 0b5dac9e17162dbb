"""Free parameters: integers that solve the equations of a site, and what they make of displacements and metrics."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.symmetry.free import Freedom, fixed_directions, free_metrics
from nucleate.symmetry.operations import operations_of_number
from tests.symmetry.examples import GENERAL, many, template

ALL = many(range(1, 231))
FAMILIES = ((2, 6), (15, 4), (74, 3), (194, 2), (230, 1))


def averaged(one, x: np.ndarray) -> np.ndarray:
    """D_j = mean over g of R_g D_i, operation by operation."""
    total = np.zeros_like(x)
    for rotation, images in zip(one.rotations, one.images, strict=True):
        for atom, image in enumerate(images):
            total[image] += rotation @ x[atom]
    return total / len(one.rotations)


@pytest.mark.parametrize("one", ALL, ids=lambda one: str(one.number))
def test_free_parameters_of_every_group(one) -> None:
    free = Freedom.of(one)
    width = free.basis.shape[1]
    np.testing.assert_array_equal(free.read @ free.basis, np.eye(width))
    x = np.random.default_rng(one.number).normal(size=one.frac.shape)
    mean = averaged(one, x)
    np.testing.assert_allclose((free.basis @ (free.mean @ x.ravel())).reshape(-1, 3), mean, atol=1e-12)
    np.testing.assert_allclose(averaged(one, mean), mean, atol=1e-12)
    # any u gives a crystal with the operations
    u = np.random.default_rng(0).random(width)
    frac = one.frac + (free.basis @ u).reshape(-1, 3)
    carried = np.einsum("gij,aj->gai", one.rotations, frac) + one.translations[:, None]
    gap = carried - frac[one.images]
    assert np.abs(gap - np.round(gap)).max() < 1e-9
    # as many free parameters as the mean has dimensions
    projector = np.stack([averaged(one, unit.reshape(-1, 3)).ravel() for unit in np.eye(x.size)], 1)
    assert width == round(np.trace(projector))


def test_a_site_at_x_2x_z() -> None:
    one = template(156, [(0.1, 0.2, 0.3)])
    assert len(one.species) == 3
    free = Freedom.of(one)
    anchor = free.basis[:3]
    assert {tuple(column) for column in np.abs(anchor.T)} == {(1, 2, 0), (0, 0, 1)}
    # the projection of a displacement of the anchor's site alone is v_y / 2 along (1, 2), not (v_x + 2 v_y) / 5
    local = np.mean([[[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[-1, 1, 0], [0, 1, 0], [0, 0, 1]]], 0)
    np.testing.assert_allclose(local @ [0.3, -0.7, 0.2], [-0.35, -0.7, 0.2])
    x = np.zeros((3, 3))
    x[0] = [0.3, -0.7, 0.2]
    moved = (free.basis @ free.mean @ x.ravel()).reshape(-1, 3)
    np.testing.assert_allclose(moved[0], np.array([-0.35, -0.7, 0.2]) / 3, atol=1e-12)


def test_general_positions_are_read_off_one_atom() -> None:
    free = Freedom.of(template(195, [GENERAL]))
    np.testing.assert_array_equal(free.basis[:3], np.eye(3))
    np.testing.assert_array_equal(free.multiplicity, [12, 12, 12])


def test_integer_solutions_are_all_solutions() -> None:
    """Of 2 x = 3 y they are multiples of (3, 2), not of a fraction of it."""
    equations = np.array([[[3, -3, 0], [2, -2, 0], [0, 0, 1]]])
    free, read = fixed_directions(equations)
    np.testing.assert_array_equal(read @ free, np.eye(2))
    np.testing.assert_array_equal((equations[0] - np.eye(3)) @ free, 0)
    assert (3, 2, 0) in {tuple(np.abs(column)) for column in free.T}


@pytest.mark.parametrize("primitive", [True, False])
def test_lattice_parameters_of_all_groups(primitive: bool) -> None:
    for number in range(1, 231):
        rotations = operations_of_number(number, primitive).rotations
        free = free_metrics(rotations)
        assert len(free) == next(count for last, count in FAMILIES if number <= last)
        for rotation in rotations:
            np.testing.assert_allclose(rotation.T @ free @ rotation, free, atol=1e-12)
