"""Distances of distributions against scipy, loops and numbers by hand; intervals and floors against theory."""

from functools import partial

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from nucleate.metrics.dng.distances import Discrepancy, entropy, jensen_shannon, wasserstein1
from nucleate.metrics.dng.resampling import draws, floor, scatter


def shares_of(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    distinct, counts = np.unique(values, return_counts=True)
    return distinct, counts / counts.sum()


@pytest.mark.parametrize("seed", range(6))
def test_wasserstein_is_scipys(seed):
    rng = np.random.default_rng(seed)
    first, second = rng.normal(1, 2, 40), np.round(rng.normal(0, 1, 70), 1)
    if seed % 2:
        first, second = rng.integers(1, 6, 40).astype(float), rng.integers(2, 9, 15).astype(float)
    (x, p), (y, q) = shares_of(first), shares_of(second)
    assert wasserstein1(x, p[None], y, q)[0] == pytest.approx(wasserstein_distance(first, second))


def test_wasserstein_by_hand():
    one = np.array([[1.0]])
    assert wasserstein1(np.array([2.0]), one, np.array([5.5]), one[0])[0] == 3.5
    assert wasserstein1(np.array([2.0]), one, np.array([2.0]), one[0])[0] == 0
    halves = np.array([0.5, 0.5])
    assert wasserstein1(np.array([0.0, 4.0]), halves[None], np.array([1.0, 4.0]), halves)[0] == 0.5


def test_every_draw_is_a_row():
    values, shares = np.array([1.0, 2.0, 4.0]), np.array([[1.0, 0, 0], [0, 0.5, 0.5], [0.2, 0.3, 0.5]])
    reference, weights = np.array([2.0, 3.0]), np.array([0.25, 0.75])
    expected = [wasserstein_distance(values, reference, row, weights) for row in shares]
    np.testing.assert_allclose(wasserstein1(values, shares, reference, weights), expected)


def test_jensen_shannon_is_the_square_of_scipys_distance_in_bits():
    rng = np.random.default_rng(0)
    for _ in range(10):
        p, q = rng.dirichlet(np.full(7, 0.4), 2)
        assert jensen_shannon(p[None], q)[0] == pytest.approx(jensenshannon(p, q, 2) ** 2)


def test_jensen_shannon_is_between_0_and_1_bit():
    p, q = np.array([0.3, 0.7, 0, 0]), np.array([0, 0, 0.5, 0.5])
    assert jensen_shannon(p[None], p)[0] == 0
    assert jensen_shannon(p[None], q)[0] == pytest.approx(1)


def test_entropy_in_bits():
    np.testing.assert_allclose(entropy(np.array([[0.25] * 4, [1, 0, 0, 0], [0.5, 0.5, 0, 0]])), [2, 0, 1])


def test_discrepancy_is_the_loop_over_pairs():
    rng = np.random.default_rng(1)
    x, y = rng.normal(0, 1, (9, 2)), rng.normal(0.7, 1, (6, 2))
    pairs = [np.linalg.norm(y[i] - y[j]) for i in range(6) for j in range(i)]
    width = np.median(pairs)

    def mean(a, b):
        return np.mean([[np.exp(-np.sum((u - v) ** 2) / (2 * width**2)) for v in b] for u in a])

    found = Discrepancy(x, y)
    assert found.bandwidth == pytest.approx(width)
    expected = np.sqrt(mean(x, x) - 2 * mean(x, y) + mean(y, y))
    assert found.of_samples(np.full((1, 9), 1 / 9))[0] == pytest.approx(expected)
    twice = np.array([2, 1, 0, 0, 1, 1, 1]) / 6
    own = Discrepancy(y, np.concatenate([y, x[:1]]))
    same = Discrepancy(np.concatenate([y, x[:1]]), np.concatenate([y, x[:1]]))
    assert own.of_reference(twice[None])[0] == pytest.approx(same.of_samples(twice[None])[0])


def test_discrepancy_of_equal_points_is_0_and_grows_with_the_shift():
    x = np.random.default_rng(2).normal(0, 1, (50, 3))
    equal = np.full((1, 50), 1 / 50)
    values = [Discrepancy(x + shift, x).of_samples(equal)[0] for shift in (0, 0.1, 0.5, 2.0)]
    assert values[0] == pytest.approx(0, abs=1e-7)
    assert values == sorted(values)
    constant = Discrepancy(np.ones((3, 1)), np.ones((2, 1)))
    assert constant.of_samples(np.full((1, 3), 1 / 3))[0] == 0


def mean_of(values: np.ndarray, shares: np.ndarray) -> np.ndarray:
    return shares @ values


def test_interval_of_a_mean_is_the_textbook_one():
    values = np.arange(400.0)
    found = scatter(partial(mean_of, values), np.ones(400, dtype=int), seed=0)
    half = 1.96 * values.std() / 20
    assert found.value == values.mean()
    assert found.n == 400
    assert found.low == pytest.approx(found.value - half, rel=0.05)
    assert found.high == pytest.approx(found.value + half, rel=0.05)


def test_interval_holds_the_value_although_resamples_are_biased():
    counts = np.ones(30, dtype=int)
    found = scatter(entropy, counts, seed=0)
    raw = draws(entropy, counts / 30, 30, 0, 500)
    assert raw.max() < found.value
    assert found.low < found.value <= found.high
    assert scatter(entropy, counts, 0, least=4.9).low == min(4.9, found.value)


def test_interval_and_floor_without_samples_are_empty():
    assert scatter(entropy, np.zeros(3, dtype=int), 0).value is None
    assert floor(entropy, np.ones(3), 0, 0).value is None


def test_floor_falls_as_the_square_root_of_the_sample_size():
    grid = np.linspace(0, 1, 1001)
    shares = np.full(1001, 1 / 1001)
    distance = partial(wasserstein1, grid, reference=grid, reference_shares=shares)
    small, large = (floor(distance, np.ones(1001), n, 1, 2000) for n in (100, 1600))
    assert small.value / large.value == pytest.approx(4, rel=0.1)
    # mean area between the empirical and the true distribution function of [0, 1]: sqrt(2 pi) / (8 sqrt(n))
    assert small.value == pytest.approx(np.sqrt(2 * np.pi) / 80, rel=0.03)


def test_a_seed_gives_the_same_interval_whatever_the_block():
    counts = np.arange(1, 9)
    first = scatter(entropy, counts, seed=5)
    assert scatter(entropy, counts, seed=5) == first
    assert scatter(entropy, counts, seed=6) != first
