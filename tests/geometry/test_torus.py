"""Angles and the zero-net-translation constraint."""

import math

import torch

from nucleate.geometry.torus import TAU, centre, wrap


def test_wrap_lands_in_the_half_open_interval_and_keeps_the_angle():
    angle = torch.linspace(-50, 50, 10_001, dtype=torch.float64)
    wrapped = wrap(angle)
    assert wrapped.min() >= -math.pi
    assert wrapped.max() < math.pi
    torch.testing.assert_close(torch.exp(1j * wrapped), torch.exp(1j * angle), atol=1e-12, rtol=0)
    turns = (angle - wrapped) / TAU
    torch.testing.assert_close(turns, turns.round(), atol=1e-12, rtol=0)


def test_wrap_at_the_cut():
    torch.testing.assert_close(wrap(torch.tensor([math.pi, -math.pi, 0.0], dtype=torch.float64)),
                               torch.tensor([-math.pi, -math.pi, 0.0], dtype=torch.float64))  # fmt: skip


def test_centre_has_no_mean_over_real_atoms_and_is_a_projection(mask):
    x = torch.randn(3, 6, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    centred = centre(x, mask)
    torch.testing.assert_close(centred.sum(1), torch.zeros(3, 3, dtype=torch.float64), atol=1e-14, rtol=0)
    torch.testing.assert_close(centre(centred, mask), centred)
    assert (centred[~mask] == 0).all()
    differences = (x[0, 1] - x[0, 0], centred[0, 1] - centred[0, 0])
    torch.testing.assert_close(*differences)


def test_centre_ignores_padding(mask):
    x = torch.randn(3, 6, 3, generator=torch.Generator().manual_seed(0))
    dirty = torch.where(mask.unsqueeze(-1), x, torch.full_like(x, 1e6))
    torch.testing.assert_close(centre(dirty, mask), centre(x * mask.unsqueeze(-1), mask))


def test_a_cell_of_one_atom_or_none_is_centred_to_zero():
    one = centre(torch.full((1, 2, 3), 7.0), torch.tensor([[True, False]]))
    none = centre(torch.full((1, 2, 3), 7.0), torch.tensor([[False, False]]))
    assert (one == 0).all()
    assert (none == 0).all()
