"""Noise levels, targets and steps of annealed Langevin dynamics against independent computations."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from nucleate.families.cdvae.annealed import along_axes, langevin, moved, noise_levels, shortest, target
from tests.training.tiny import random_table


def cells(count: int, seed: int = 0) -> torch.Tensor:
    """Cells of 3 to 9 Å with angles of 50 to 130 degrees."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, 3, 3)) * 0.8 + np.eye(3) * rng.uniform(3, 9, (count, 1, 1))
    return torch.tensor(rows)


def test_noise_levels_are_the_published_fifty() -> None:
    levels = noise_levels(10.0, 0.01, 50)
    published = np.exp(np.linspace(np.log(10.0), np.log(0.01), 50))
    assert len(levels) == 50
    np.testing.assert_allclose(levels, published, rtol=1e-5)
    np.testing.assert_allclose(levels[1:] / levels[:-1], 1e-3 ** (1 / 49), rtol=1e-5)


def test_the_shortest_image_is_that_of_a_search_over_many_cells() -> None:
    lattice, rng = cells(6), np.random.default_rng(1)
    difference = torch.tensor(rng.uniform(-3, 3, (6, 5, 3)))
    found = shortest(difference, lattice)
    shifts = np.array(list(itertools.product(range(-6, 7), repeat=3)))
    for crystal, atom in itertools.product(range(6), range(5)):
        images = (difference[crystal, atom].numpy() + shifts) @ lattice[crystal].numpy()
        best = images[np.square(images).sum(1).argmin()]
        np.testing.assert_allclose(found[crystal, atom], best, atol=1e-9)


def test_the_target_over_sigma_is_the_gradient_of_the_nearest_gaussian() -> None:
    """Where one image counts, d log p / dx of a normal density about it, by automatic differentiation."""
    lattice, rng = cells(3), np.random.default_rng(2)
    data = torch.tensor(rng.random((3, 4, 3)))
    sigma = torch.tensor([0.05, 0.1, 0.2], dtype=torch.float64)
    noise = torch.tensor(rng.normal(size=(3, 4, 3))) * sigma[:, None, None]
    noisy = moved(data, noise, lattice)
    places = (data @ lattice + noise).requires_grad_()
    near = data @ lattice
    density = -(places - near).square().sum((1, 2)) / (2 * sigma**2)
    (score,) = torch.autograd.grad(density.sum(), places)
    found = target(data, noisy, lattice, sigma)
    torch.testing.assert_close(found / sigma[:, None, None], score, atol=1e-6, rtol=1e-6)


def test_a_displacement_is_in_angstroms_whatever_the_cell() -> None:
    lattice = cells(4)
    frac = torch.tensor(np.random.default_rng(3).random((4, 2, 3)))
    step = torch.full_like(frac, 0.01)
    back = shortest(moved(frac, step, lattice) - frac, lattice)
    torch.testing.assert_close(back, step, atol=1e-12, rtol=0)


def test_answers_turn_with_the_cell() -> None:
    lattice = cells(2)
    rng = np.random.default_rng(4)
    turn = torch.tensor(np.linalg.qr(rng.normal(size=(3, 3)))[0])
    answer = torch.tensor(rng.normal(size=(2, 3, 3)))
    torch.testing.assert_close(along_axes(answer, lattice @ turn), along_axes(answer, lattice) @ turn)
    only_a = torch.tensor([1.0, 0, 0], dtype=torch.float64).expand(2, 1, 3)
    unit = lattice[:, 0] / lattice[:, 0].norm(dim=-1, keepdim=True)
    torch.testing.assert_close(along_axes(only_a, lattice)[:, 0], unit)


def test_steps_at_one_level_end_in_the_distribution_of_the_exact_score() -> None:
    """x <- (1 - k) x + sqrt(2 k) sigma z has the variance sigma^2 / (1 - k / 2); k is step_size / sigma_last^2."""
    sigma, k, count = 0.3, 0.1, 4000
    lattice = 20 * torch.eye(3, dtype=torch.float64).expand(1, 3, 3)
    data = torch.full((1, count, 3), 0.5, dtype=torch.float64)
    widths, frac = torch.tensor([sigma], dtype=torch.float64), data
    generator = torch.Generator().manual_seed(0)
    for _ in range(120):
        normal = torch.randn(1, count, 3, generator=generator, dtype=torch.float64)
        answer = target(data, frac, lattice, widths)
        frac = langevin(frac, answer, lattice, sigma, k * sigma**2, normal)
    variance = float(shortest(frac - data, lattice).square().mean())
    assert variance == pytest.approx(sigma**2 / (1 - k / 2), rel=0.04)


def test_a_step_without_noise_follows_the_gradient() -> None:
    lattice, rng = cells(2), np.random.default_rng(5)
    frac, answer = torch.tensor(rng.random((2, 3, 3))), torch.tensor(rng.normal(size=(2, 3, 3)))
    after = langevin(frac, answer, lattice, 0.5, 1e-3, torch.zeros_like(answer))
    torch.testing.assert_close(shortest(after - frac, lattice), 1e-3 * answer / 0.5, atol=1e-12, rtol=0)
    noise = torch.ones_like(answer)
    after = langevin(frac, torch.zeros_like(answer), lattice, 0.5, 1e-3, noise)
    torch.testing.assert_close(shortest(after - frac, lattice), math.sqrt(2e-3) * noise, atol=1e-12, rtol=0)


def test_cells_come_back_from_scaled_parameters() -> None:
    from nucleate.codecs.log_lengths import LogLengthsTanAngles
    from nucleate.families.cdvae.cells import ScaledParameters
    from nucleate.geometry.lattice import cell_parameters

    table = random_table([1, 2, 3, 8, 8, 20])
    lattice, sizes = torch.tensor(table.lattice), torch.tensor(table.sizes)
    codec = ScaledParameters(standardise=True)
    codec.fit(lattice, sizes)
    x = codec.encode(lattice, sizes)
    torch.testing.assert_close(x.mean(0), torch.zeros(6, dtype=torch.float64), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        x.std(0, unbiased=False), torch.ones(6, dtype=torch.float64), atol=1e-5, rtol=0
    )
    lengths = lattice.norm(dim=-1) / sizes[:, None] ** (1 / 3)
    expected = (lengths - lengths.mean(0)) / lengths.std(0, unbiased=False)
    torch.testing.assert_close(x[:, :3], expected, atol=1e-5, rtol=1e-4)
    other = LogLengthsTanAngles(standardise=False)
    back, same = codec.decode(x, sizes), other.decode(other.encode(lattice, sizes), sizes)
    torch.testing.assert_close(back, same, atol=1e-5, rtol=1e-5)
    assert (cell_parameters(back)[0] > 0).all()
