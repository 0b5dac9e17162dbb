"""Circular statistics against autograd, scipy, hand-made numbers and plain simulation."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats

from nucleate.geometry.circular import (
    about_mean,
    circular_mean,
    concentration,
    mean_free_law,
    mean_slope,
)
from nucleate.geometry.torus import TAU, wrap


def angles(crystals: int = 4, atoms: int = 5, width: float = 1.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return width * torch.randn(crystals, atoms, 3, generator=generator, dtype=torch.float64)


def real(angle: torch.Tensor) -> torch.Tensor:
    return torch.ones(angle.shape[:2], dtype=torch.bool)


def test_mean_across_the_cut_is_at_the_cut():
    angle = torch.tensor([[[math.pi - 0.1], [-math.pi + 0.3]]])
    assert wrap(circular_mean(angle, real(angle)) - math.pi - 0.1).abs().item() < 1e-6


def test_mean_is_that_of_scipy_and_does_not_see_padding():
    angle = angles()
    mask = torch.arange(5) < torch.tensor([5, 3, 2, 4])[:, None]
    ours = circular_mean(angle + 100 * ~mask.unsqueeze(-1), mask)
    for row, count in enumerate(mask.sum(1).tolist()):
        theirs = stats.circmean(angle[row, :count].numpy(), high=math.pi, low=-math.pi, axis=0)
        torch.testing.assert_close(ours[row, 0], torch.from_numpy(theirs))


def test_angles_about_the_mean_have_none_and_do_not_change_with_translations():
    angle = angles()
    d = about_mean(angle, real(angle))
    torch.testing.assert_close(torch.sin(d).sum(1), torch.zeros(4, 3).double(), atol=1e-12, rtol=0)
    moved = about_mean(angle + torch.tensor([0.5, 2.0, -3.0]), real(angle))
    torch.testing.assert_close(wrap(moved - d), torch.zeros_like(d), atol=1e-12, rtol=0)


def test_one_atom_has_no_angle_to_its_mean():
    angle = angles(atoms=1)
    assert (about_mean(angle, real(angle)) == 0).all()


def test_slope_of_the_mean_is_its_derivative_and_sums_to_one():
    angle = angles().requires_grad_()
    mask = torch.arange(5) < torch.tensor([5, 3, 2, 1])[:, None]
    slope = mean_slope(angle, mask)
    circular_mean(angle, mask).sum().backward()
    torch.testing.assert_close(slope, angle.grad)
    torch.testing.assert_close(slope.sum(1), torch.ones(4, 3).double())


def test_slope_is_finite_where_the_angles_cancel():
    angle = torch.tensor([[[0.0], [math.pi]]])
    assert torch.isfinite(mean_slope(angle, real(angle))).all()


@pytest.mark.parametrize("length", [0.0, 0.01, 0.3, 0.53, 0.8, 0.95, 0.9995])
def test_concentration_has_the_resultant_length_that_it_was_fitted_to(length):
    """By quadrature of the von Mises density."""
    kappa = concentration(torch.tensor(length, dtype=torch.float64)).item()
    x = (torch.arange(20_000, dtype=torch.float64) / 20_000 - 0.5) * TAU
    density = torch.exp(kappa * (torch.cos(x) - 1))
    assert ((density * torch.cos(x)).sum() / density.sum()).item() == pytest.approx(length, abs=1e-8)


def test_concentration_is_the_fit_of_scipy():
    d = stats.vonmises.rvs(2.5, size=4000, random_state=0)
    kappa, _, _ = stats.vonmises.fit(d, floc=0, fscale=1)
    assert concentration(torch.from_numpy(d).cos().mean()).item() == (pytest.approx(kappa, rel=1e-3))


def simulated(atoms: int, sigma: float, angles: int = 300_000) -> tuple[float, float, float]:
    generator = torch.Generator().manual_seed(atoms)
    noise = sigma * torch.randn(angles // atoms, atoms, 1, generator=generator, dtype=torch.float64)
    d = about_mean(noise, real(noise))
    kappa = concentration(d.cos().mean()).item()
    return kappa, d.sin().square().mean().sqrt().item(), d.square().mean().sqrt().item()


@pytest.mark.parametrize("atoms", [2, 3, 5, 20, 22, 46, 100, 256])
@pytest.mark.parametrize("sigma", [0.0314, 0.35, 0.95, 1.55, 3.1])
def test_law_is_that_of_simulated_noise(atoms, sigma):
    ours = mean_free_law(torch.tensor([atoms]), torch.tensor([sigma]))
    theirs = simulated(atoms, sigma)
    # The simulation's own error is up to 1.5 % of kappa in large cells and wide noise.
    for one, other, tolerance in zip(ours, theirs, (0.04, 0.01, 0.015), strict=True):
        assert one.item() == pytest.approx(other, rel=tolerance)


@pytest.mark.parametrize("atoms", [2, 7, 20, 256])
def test_law_of_narrow_noise_is_its_limit(atoms):
    sigma = TAU * 0.005
    variance = sigma**2 * (1 - 1 / atoms)
    kappa, sine, spread = (x.item() for x in mean_free_law(torch.tensor([atoms]), torch.tensor([sigma])))
    assert kappa == pytest.approx(1 / variance, rel=3e-3)
    assert sine == pytest.approx(math.sqrt(variance), rel=3e-3)
    assert spread == pytest.approx(math.sqrt(variance), rel=3e-3)


def test_the_published_concentration():
    """EquiCSP's table at 20 atoms and the least noise."""
    kappa, sine, _ = mean_free_law(torch.tensor([20]), torch.tensor([TAU * 0.005]))
    assert kappa.item() == pytest.approx(1066, rel=3e-3)
    # Q = (2 pi kappa)^2 E[sin^2] is (2 pi)^2 kappa there.
    assert (TAU * kappa * sine).item() ** 2 == pytest.approx(TAU**2 * kappa.item(), rel=6e-3)


def test_cells_of_one_atom_have_no_law_and_the_largest_are_finite():
    law = mean_free_law(torch.tensor([1, 5000]), torch.full((2,), 9.0))
    alone, large = zip(*(x.tolist() for x in law), strict=True)
    assert alone == (0, 0, 0)
    assert all(0 < x < 4 for x in large)


def test_law_does_not_depend_on_the_others_in_the_batch():
    atoms, sigma = torch.tensor([1, 2, 13, 200]), torch.tensor([0.01, 0.2, 1.0, 3.0])
    together = torch.stack(mean_free_law(atoms, sigma))
    alone = [torch.stack(mean_free_law(atoms[i : i + 1], sigma[i : i + 1])) for i in range(4)]
    assert torch.equal(together, torch.cat(alone, -1))
