"""Coefficients of interpolants: ends, slopes by finite differences, and numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from nucleate.processes import paths

NAMES = ["linear", "trigonometric", "encoder-decoder", "vp", "ve"]
INSIDE = torch.linspace(0.01, 0.99, 99, dtype=torch.float64) + 1e-4
ENDS = torch.tensor([0.0, 1.0], dtype=torch.float64)


def difference(function, t: torch.Tensor, step: float = 1e-6) -> torch.Tensor:
    return (function(t + step) - function(t - step)) / (2 * step)


@pytest.mark.parametrize("name", NAMES)
def test_slopes_are_derivatives(name):
    for part in (0, 1):
        slope = paths.path_slopes(name, INSIDE)[part]
        numeric = difference(lambda t, part=part: paths.path(name, t)[part], INSIDE)
        torch.testing.assert_close(slope, numeric, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_paths_lead_from_the_prior_to_the_data(name):
    alpha, beta = paths.path(name, ENDS)
    assert alpha[1].item() == pytest.approx(0, abs=1e-12)
    assert beta[1].item() == pytest.approx(1)
    if name != "ve":
        assert (alpha[0].item(), beta[0].item()) == pytest.approx((1, 0))


@pytest.mark.parametrize("name", NAMES)
def test_everything_is_finite_at_the_ends_in_single_precision(name):
    t = torch.tensor([0.0, 1e-7, 0.5, 1 - 6e-8, 1.0])
    for values in (*paths.path(name, t), *paths.path_slopes(name, t)):
        assert torch.isfinite(values).all()
        assert values.dtype == torch.float32


def test_path_values_by_hand():
    t = torch.tensor([0.25, 0.6], dtype=torch.float64)
    hand = {
        "linear": [0.75, 0.25, 0.4, 0.6],
        "trigonometric": [
            math.cos(math.pi / 8),
            math.sin(math.pi / 8),
            math.cos(0.3 * math.pi),
            0.8090169943749475,
        ],
        "encoder-decoder": [0.5, 0.0, 0.0, math.cos(0.6 * math.pi) ** 2],
        "vp": [math.sqrt(15) / 4, 0.25, 0.8, 0.6],
    }
    for name, (a0, b0, a1, b1) in hand.items():
        alpha, beta = paths.path(name, t)
        assert alpha.tolist() == pytest.approx([a0, a1])
        assert beta.tolist() == pytest.approx([b0, b1])


def test_variance_exploding_noise_falls_geometrically():
    t = torch.tensor([0.0, 0.5], dtype=torch.float64)
    alpha, _ = paths.path("ve", t, (0.01, 4.0))
    assert (alpha**2 + 0.01**2).sqrt().tolist() == pytest.approx([4.0, 0.2])


@pytest.mark.parametrize("name", ["linear", "trigonometric"])
def test_progress_rises_monotonically_from_0_to_1(name):
    t = torch.linspace(0, 1, 1001, dtype=torch.float64)
    s, _ = paths.progress(name, t)
    assert s[[0, -1]].tolist() == pytest.approx([0, 1])
    assert (s.diff() > 0).all()
    slope = paths.progress(name, INSIDE)[1]
    torch.testing.assert_close(
        slope, difference(lambda t: paths.progress(name, t)[0], INSIDE), rtol=1e-6, atol=0
    )


@pytest.mark.parametrize("name", ["encoder-decoder", "vp", "ve"])
def test_other_paths_have_no_displacement_form(name):
    with pytest.raises(ValueError, match=f"path = {name} has no displacement form"):
        paths.progress(name, INSIDE)


@pytest.mark.parametrize("name", ["root", "squared-sine"])
def test_gamma_begins_and_ends_at_nothing(name):
    assert paths.gamma(name, torch.tensor([0.0, 1.0]), 0.02).tolist() == [0, 0]
    half = paths.gamma(name, torch.tensor([0.5]), 0.02).item()
    assert half == pytest.approx(math.sqrt(0.02) * (0.5 if name == "root" else 1))
    values = paths.gamma(name, INSIDE, 0.02)
    torch.testing.assert_close(values, paths.gamma(name, 1 - INSIDE, 0.02))
    assert (paths.gamma("none", INSIDE, 0.02) == 0).all()


def test_vanishing_epsilon_is_at_half_its_height_at_mid_and_symmetric():
    t = torch.tensor([0.0, 0.2, 0.5, 0.8], dtype=torch.float64)
    values = paths.epsilon("vanishing", t, 9.0, 0.2, 0.03).tolist()
    assert values[0] == pytest.approx(9 / (1 + math.exp(20 / 3)), rel=1e-6)
    assert values[1] == pytest.approx(4.5, rel=1e-6)
    assert values[2] == pytest.approx(9 / (1 + math.exp(-10)) ** 2, rel=1e-9)
    assert values[3] == pytest.approx(values[1])
    assert paths.epsilon("constant", t, 0.7, 0.2, 0.03).tolist() == [0.7] * 4
