"""The counter-based generator: moments, tails, independence, and values that must never change."""

import math

import pytest
import torch

from nucleate.geometry.noise import Noise

MANY = 400_000


def correlation(x: torch.Tensor, y: torch.Tensor) -> float:
    x, y = x.flatten().double(), y.flatten().double()
    return ((x - x.mean()) * (y - y.mean())).mean().item() / (x.std() * y.std()).item()


@pytest.fixture(scope="module")
def normals() -> torch.Tensor:
    return Noise.of(3, torch.arange(1000)).normal(400)


def test_normals_have_the_moments_of_a_normal(normals):
    x = normals.double().flatten()
    scale = 1 / math.sqrt(len(x))
    assert abs(x.mean().item()) < 5 * scale
    assert abs((x**2).mean().item() - 1) < 5 * math.sqrt(2) * scale
    assert abs((x**3).mean().item()) < 5 * math.sqrt(15) * scale
    assert abs((x**4).mean().item() - 3) < 5 * math.sqrt(96) * scale


def test_normals_have_the_tails_of_a_normal(normals):
    x = normals.abs().flatten()
    for limit in (1.0, 2.0, 3.0, 4.0):
        expected = math.erfc(limit / math.sqrt(2))
        share = (x > limit).double().mean().item()
        assert abs(share - expected) < 5 * math.sqrt(expected / len(x)), limit
    assert x.max() < 6
    assert torch.isfinite(x).all()


def test_normals_fit_the_normal_distribution_everywhere(normals):
    """Kolmogorov-Smirnov; 1.95 is the 0.1 % point."""
    x = normals.double().flatten().sort().values
    steps = (torch.arange(len(x), dtype=torch.float64) + 0.5) / len(x)
    gap = (torch.special.ndtr(x) - steps).abs().max().item()
    assert gap * math.sqrt(len(x)) < 1.95


@pytest.mark.parametrize("cells", [16, 256])
def test_uniforms_fill_the_unit_interval_evenly(cells):
    u = Noise.of(5, torch.arange(1000)).uniform(400).flatten()
    assert 0 < u.min() < 1e-5
    assert 1 - 1e-5 < u.max() < 1
    counts = torch.bincount((u * cells).long(), minlength=cells).double()
    chi_square = ((counts - len(u) / cells) ** 2 / (len(u) / cells)).sum().item()
    assert abs(chi_square - (cells - 1)) < 5 * math.sqrt(2 * (cells - 1))


def test_uniforms_never_reach_the_ends_of_the_interval():
    """24 bits and a half do not fit into float32: the last value must not round to 1."""
    from nucleate.geometry.noise import _unit

    ends = _unit(torch.tensor([0, (1 << 24) - 1]))
    assert ends[0] > 0
    assert ends[1] < 1


@pytest.mark.parametrize("lag", [1, 2, 3, 64])
def test_positions_are_independent(normals, lag):
    assert abs(correlation(normals[:, lag:], normals[:, :-lag])) < 5 / math.sqrt(MANY)
    assert abs(correlation(normals[:, lag:] ** 2, normals[:, :-lag] ** 2)) < 5 / math.sqrt(MANY)


@pytest.mark.parametrize("lag", [1, 2, 256])
def test_crystals_are_independent(normals, lag):
    assert abs(correlation(normals[lag:], normals[:-lag])) < 5 / math.sqrt(MANY / 2)


def test_steps_draws_and_seeds_are_independent():
    crystals = torch.arange(1000)
    noise = Noise.of(0, crystals)
    first, second = noise.normal(100), noise.normal(100)
    others = [second, Noise.of(1, crystals).normal(100), Noise.of(1 << 40, crystals).normal(100)]
    others += [Noise.of(0, crystals).at(step).normal(100) for step in (0, 1, 2, 999)]
    others += [Noise.of(0, crystals + 1000).normal(100), Noise.of(0, -crystals - 1).normal(100)]
    everything = [first, *others]
    for i, x in enumerate(everything):
        for y in everything[:i]:
            assert abs(correlation(x, y)) < 5 / math.sqrt(100_000)
            assert abs(correlation(x**2, y**2)) < 5 / math.sqrt(100_000)


def test_keys_of_many_crystals_and_steps_do_not_collide():
    keys = Noise.of(0, torch.arange(100_000)).keys
    steps = torch.cat([Noise.of(0, torch.tensor([7])).at(step).keys for step in range(2000)])
    assert len(torch.unique(torch.cat([keys, steps]))) == 102_000


def test_a_crystal_meets_the_same_noise_in_any_batch_order_and_padding():
    batch = Noise.of(11, torch.tensor([5, 9, 2])).at(4)
    alone = Noise.of(11, torch.tensor([9])).at(4)
    for _ in range(2):
        wide, narrow = batch.normal(8, 3), alone.normal(5, 3)
        assert torch.equal(wide[1, :5], narrow[0])
    wide, narrow = batch.uniform(8, 3), alone.uniform(5, 3)
    assert torch.equal(wide[1, :5], narrow[0])


def test_a_stream_does_not_run_dry():
    """The counter of draws passes 2^63 after the third."""
    noise = Noise.of(0, torch.arange(1000))
    draws = [noise.normal(100) for _ in range(12)]
    for i, x in enumerate(draws):
        for y in draws[:i]:
            assert abs(correlation(x, y)) < 5 / math.sqrt(100_000)


def test_values_never_change():
    """Frozen: a seed in a paper or in the header of a file must go on meaning the same crystal."""
    noise = Noise.of(42, torch.tensor([0, 7]))
    assert noise.keys.tolist() == [-7755662792770340360, 4262070387196030155]
    first = torch.tensor([[0.194494367, 1.087072372], [-0.949184000, 1.127951622]])
    second = torch.tensor([[0.991307497, 0.834002137], [0.297224611, 0.451754481]])
    torch.testing.assert_close(noise.normal(2), first, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(noise.uniform(2), second, rtol=1e-7, atol=0)
    at_three = torch.tensor([[1.443813562], [-1.070832491]])
    torch.testing.assert_close(noise.at(3).normal(1), at_three, rtol=1e-6, atol=1e-7)
