"""The wrapped normal against its Fourier series, autograd and simulation."""

import math

import pytest
import torch

from nucleate.geometry.torus import TAU, wrap
from nucleate.geometry.wrapped_normal import fisher_information, grad_mean, images_for, log_density

ANGLES = torch.linspace(-9, 9, 181, dtype=torch.float64)


def fourier_density(x: torch.Tensor, sigma: float, terms: int = 200) -> torch.Tensor:
    """(1 + 2 sum_n exp(-n^2 sigma^2 / 2) cos(n x)) / 2 pi."""
    n = torch.arange(1, terms + 1, dtype=torch.float64)
    return (1 + 2 * (torch.exp(-0.5 * (n * sigma) ** 2) * torch.cos(x[:, None] * n)).sum(-1)) / TAU


def fourier_grad_mean(x: torch.Tensor, sigma: float, terms: int = 200) -> torch.Tensor:
    n = torch.arange(1, terms + 1, dtype=torch.float64)
    slope = 2 * (n * torch.exp(-0.5 * (n * sigma) ** 2) * torch.sin(x[:, None] * n)).sum(-1) / TAU
    return slope / fourier_density(x, sigma, terms)


@pytest.mark.parametrize("sigma", [0.3, 0.7, 1.2, 2.0, 3.5, 5.0])
def test_density_and_derivative_equal_the_fourier_series(sigma):
    s = torch.full_like(ANGLES, sigma)
    images = images_for(sigma)
    # At small sigma the series loses the tails to cancellation; compare where it has digits.
    seen = fourier_density(ANGLES, sigma) > 1e-6
    density = log_density(ANGLES, s, images).exp()
    torch.testing.assert_close(density, fourier_density(ANGLES, sigma), atol=1e-14, rtol=1e-9)
    torch.testing.assert_close(
        grad_mean(ANGLES, s, images)[seen], fourier_grad_mean(ANGLES, sigma)[seen], atol=1e-11, rtol=1e-8
    )


@pytest.mark.parametrize("sigma", [0.01, 0.3, 1.0, 2.8])
def test_derivative_is_that_of_the_log_density_with_respect_to_the_mean(sigma):
    mean = torch.zeros_like(ANGLES).requires_grad_()
    s = torch.full_like(ANGLES, sigma)
    images = images_for(sigma)
    log_density(ANGLES - mean, s, images).sum().backward()
    torch.testing.assert_close(grad_mean(ANGLES, s, images), mean.grad, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("sigma", [0.05, 0.5, 2.0, 5.0])
def test_density_integrates_to_one(sigma):
    x = (torch.arange(8192, dtype=torch.float64) / 8192 - 0.5) * TAU
    density = log_density(x, torch.full_like(x, sigma), images_for(sigma)).exp()
    assert density.mean().item() * TAU == pytest.approx(1, abs=1e-12)


def test_three_images_suffice_up_to_the_sigma_they_are_meant_for():
    for sigma in (0.5, 1.0, 2.0, 4.0):
        s = torch.full_like(ANGLES, sigma)
        enough, many = (grad_mean(ANGLES, s, k) for k in (images_for(sigma), 40))
        torch.testing.assert_close(enough, many, rtol=1e-12, atol=1e-14)
    assert images_for(0.9765) == 2 or images_for(0.9765) == 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_finite_for_every_argument(dtype):
    """The argument at which the field's code gives NaN (x = 0.3 of a turn, sigma = 0.005) is one of them."""
    x = torch.cat([torch.tensor([0.3 * TAU, math.pi, -math.pi, 0.0, 1e4], dtype=dtype), ANGLES.to(dtype)])
    sigma = torch.logspace(math.log10(1e-4), math.log10(5), 60, dtype=dtype).unsqueeze(-1).expand(60, len(x))
    grid = x.expand_as(sigma)
    images = images_for(5)
    assert torch.isfinite(log_density(grid, sigma, images)).all()
    assert torch.isfinite(grad_mean(grid, sigma, images)).all()


def test_float32_agrees_with_float64():
    sigma = torch.logspace(-4, 0.6, 40).unsqueeze(-1)
    x = wrap(torch.linspace(-3.1, 3.1, 77)).expand(40, 77)
    low = grad_mean(x, sigma.expand(40, 77), 8).double()
    high = grad_mean(x.double(), sigma.double().expand(40, 77), 8)
    torch.testing.assert_close(low, high, rtol=2e-3, atol=2e-6)


def test_small_sigma_is_a_plain_normal_and_has_the_sign_of_the_displacement():
    sigma = torch.tensor([0.01], dtype=torch.float64)
    x = torch.tensor([0.02], dtype=torch.float64)
    assert grad_mean(x, sigma).item() == pytest.approx(0.02 / 0.01**2)


@pytest.mark.parametrize("sigma", [0.05, 0.4, 1.0, 2.0])
def test_fisher_information_equals_monte_carlo(sigma):
    draws = sigma * torch.randn(400_000, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    squares = grad_mean(draws, torch.full_like(draws, sigma), images_for(sigma)) ** 2
    error = squares.std().item() / math.sqrt(len(squares))
    assert fisher_information(torch.tensor([sigma])).item() == pytest.approx(
        squares.mean().item(), abs=5 * error
    )


def test_fisher_information_equals_its_limits():
    narrow = torch.tensor([1e-4, 1e-2, 0.19, 0.21, 0.3], dtype=torch.float64)
    torch.testing.assert_close(fisher_information(narrow), narrow**-2, rtol=1e-6, atol=0)
    wide = torch.tensor([3.0, 4.0, 5.0], dtype=torch.float64)
    torch.testing.assert_close(fisher_information(wide), 2 * torch.exp(-(wide**2)), rtol=1e-3, atol=0)


def test_fisher_information_does_not_depend_on_the_other_sigmas_it_is_asked_with():
    alone = fisher_information(torch.tensor([0.7], dtype=torch.float64))
    together = fisher_information(torch.tensor([1e-3, 0.7, 4.0], dtype=torch.float64))
    torch.testing.assert_close(alone[0], together[1], rtol=1e-12, atol=0)
