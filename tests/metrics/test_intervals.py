"""Intervals against scipy, and their coverage by simulation."""

import numpy as np
import pytest
from scipy.stats import binomtest

from nucleate.metrics.intervals import bootstrap_mean, wilson
from nucleate.report.number_texts import fixed_text


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (10, 10), (3, 7), (531, 1000), (1, 9047)])
def test_wilson_is_scipys(successes, n):
    expected = binomtest(successes, n).proportion_ci(0.95, method="wilson")
    ours = wilson(successes, n)
    assert ours.value == successes / n
    assert (ours.low, ours.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_bootstrap_is_seeded_and_close_to_the_normal_interval():
    values = np.random.default_rng(0).exponential(size=400)
    first, again, other = bootstrap_mean(values, 1), bootstrap_mean(values, 1), bootstrap_mean(values, 2)
    assert first == again
    assert first != other
    half = 1.96 * values.std() / 20
    assert first.value == pytest.approx(values.mean())
    assert first.low == pytest.approx(values.mean() - half, abs=0.1 * half + 0.01)
    assert first.high == pytest.approx(values.mean() + half, abs=0.1 * half + 0.01)


def test_bootstrap_covers_the_mean():
    rng = np.random.default_rng(3)
    intervals = [bootstrap_mean(rng.normal(1.0, 2.0, 60), trial) for trial in range(100)]
    covered = sum(i.low <= 1.0 <= i.high for i in intervals if i.low is not None and i.high is not None)
    assert 86 <= covered <= 100


def test_nothing_to_average_is_none_not_nan():
    for estimate in (wilson(0, 0), bootstrap_mean(np.array([]), 0)):
        assert (estimate.value, estimate.low, estimate.high, estimate.n) == (None, None, None, 0)
        assert fixed_text(estimate) == "-"


def test_bootstrap_holds_95_percent_of_the_means():
    """Half of the interval is 1.96 standard errors for many rows; the resamples alone spread it by 1 % here."""
    values = np.random.default_rng(1).normal(size=500)
    intervals = [bootstrap_mean(values, seed) for seed in range(10)]
    half = np.mean([(one.high - one.low) / 2 for one in intervals])
    assert half == pytest.approx(1.96 * values.std() / np.sqrt(len(values)), rel=0.05)
