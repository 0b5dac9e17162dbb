"""Cells, lengths and angles against pymatgen."""

import math

import numpy as np
import torch
from pymatgen.core import Lattice

from nucleate.geometry.lattice import cell_from_parameters, cell_parameters


def random_parameters(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Lengths (Å) and angles (radians) that real cells can have."""
    generator = torch.Generator().manual_seed(0)
    lengths = 2 + 20 * torch.rand(count, 3, generator=generator, dtype=torch.float64)
    angles = torch.deg2rad(55 + 60 * torch.rand(count, 3, generator=generator, dtype=torch.float64))
    return lengths, angles


def test_cells_are_those_of_pymatgen():
    lengths, angles = random_parameters(300)
    ours = cell_from_parameters(lengths, angles)
    degrees = torch.rad2deg(angles)
    theirs = [
        Lattice.from_parameters(*a, *b).matrix
        for a, b in zip(lengths.tolist(), degrees.tolist(), strict=True)
    ]
    torch.testing.assert_close(ours, torch.tensor(np.array(theirs)), rtol=1e-10, atol=1e-10)


def test_parameters_are_those_of_pymatgen_for_any_orientation():
    generator = torch.Generator().manual_seed(1)
    cells = torch.randn(200, 3, 3, generator=generator, dtype=torch.float64) * 4
    lengths, angles = cell_parameters(cells)
    theirs = [Lattice(cell.numpy()) for cell in cells]
    torch.testing.assert_close(lengths, torch.tensor([x.abc for x in theirs], dtype=torch.float64))
    degrees = torch.tensor([x.angles for x in theirs], dtype=torch.float64)
    torch.testing.assert_close(torch.rad2deg(angles), degrees, rtol=1e-9, atol=1e-7)


def test_round_trip_keeps_lengths_angles_and_handedness():
    lengths, angles = random_parameters(300)
    cells = cell_from_parameters(lengths, angles)
    back = cell_parameters(cells)
    torch.testing.assert_close(back[0], lengths)
    torch.testing.assert_close(back[1], angles)
    assert (torch.linalg.det(cells) > 0).all()


def test_angles_that_no_cell_has_give_a_flat_cell_and_never_nan():
    degrees = torch.cartesian_prod(*(torch.tensor([0.0, 1e-4, 10.0, 90.0, 170.0, 180.0]),) * 3)
    for dtype in (torch.float32, torch.float64):
        angles = degrees.to(dtype) * (math.pi / 180)
        cells = cell_from_parameters(torch.ones(len(angles), 3, dtype=dtype), angles)
        assert torch.isfinite(cells).all()
    impossible = torch.deg2rad(torch.tensor([[30.0, 30.0, 170.0]], dtype=torch.float64))
    flat = cell_from_parameters(torch.ones(1, 3, dtype=torch.float64), impossible)
    assert abs(torch.linalg.det(flat).item()) < 1e-9
