"""What the zero-net-translation constraint does to the Fréchet mean on the torus (KLDM, appendix D)."""

from __future__ import annotations

import math

import torch
from benchmarks.zero_net_translation import cluster, frechet_mean, shifts, spread

from nucleate.geometry.torus import TAU, wrap


def test_frechet_mean_is_the_minimum_over_a_fine_grid():
    angles = TAU * torch.rand(50, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    grid = torch.linspace(-math.pi, math.pi, 7200, dtype=torch.float64)
    costs = wrap(angles[:, None, :] - grid[:, None]).square().sum(-1)
    ours = wrap(angles - frechet_mean(angles)[:, None]).square().sum(-1)
    assert (ours <= costs.min(-1).values + 1e-9).all()
    assert (costs.min(-1).values - ours).max() < 1e-4


def test_centred_noise_moves_the_mean_by_multiples_of_two_pi_over_the_atoms():
    for frac in (spread(), cluster()):
        for tau in (0.2, 1.0, 2.0):
            turns = shifts(frac, tau, centred=True, crystals=1000) / (TAU / 4)
            torch.testing.assert_close(turns, turns.round(), atol=1e-6, rtol=0)


def test_centred_noise_leaves_the_mean_where_it_is_until_an_atom_reaches_the_cut():
    assert (shifts(cluster(), 0.3, centred=True, crystals=1000).abs() < 1e-6).all()
    jumped = [
        (shifts(spread(), tau, centred=True, crystals=1000).abs() > 1e-6).float().mean()
        for tau in (0.1, 0.4, 2.0)
    ]
    assert jumped[0] < jumped[1] < jumped[2]
    assert jumped[2] > 0.4


def test_free_noise_moves_the_mean_continuously_by_the_total_variance_over_the_atoms():
    tau = 0.3
    moved = shifts(cluster(), tau, centred=False, crystals=2000)
    total = 2 * tau - 3 + 4 * math.exp(-tau) - math.exp(-2 * tau)
    assert abs(moved.var().item() / (total / 4) - 1) < 0.1
    assert (moved.abs() < 1e-6).float().mean() < 0.01
