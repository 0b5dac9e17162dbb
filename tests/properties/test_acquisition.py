"""Acquisition and the delta model against independent formulas: integrals, brute-force inverses, scipy's density."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import multivariate_normal, norm, spearmanr

from nucleate.cell import Cell
from nucleate.errors import DataError, NucleateError
from nucleate.properties.acquisition import chosen, expected_improvement, log_expected_improvement, scores
from nucleate.properties.delta import LENGTHS, NOISES, DeltaModel, kernel, places_of

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("mean", "deviation", "best"), [(0.0, 1.0, 0.5), (2.0, 0.3, 0.5), (-1.0, 0.5, 0.5)])
def test_expected_improvement_is_the_integral(mean: float, deviation: float, best: float) -> None:
    expected, _ = quad(lambda x: (x - best) * norm.pdf(x, mean, deviation), best, mean + 12 * deviation)
    found = expected_improvement(np.array([mean]), np.array([deviation]), best)[0]
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_the_logarithm_ranks_where_the_improvement_itself_is_zero() -> None:
    mean = np.array([-1.0, -19.9, -20.1, -30.0, -50.0])
    found = log_expected_improvement(mean, np.ones(5), 0.0)
    for z, value in zip(mean.tolist(), found.tolist(), strict=True):
        expected = norm.logpdf(z) + np.log(
            quad(lambda x, z=z: x * np.exp(x * z - x * x / 2), 0, 50 / abs(z))[0]
        )
        assert value == pytest.approx(expected, rel=1e-6)
    assert expected_improvement(mean, np.ones(5), 0.0)[-1] == 0


def test_without_deviation_only_a_better_mean_improves() -> None:
    np.testing.assert_allclose(expected_improvement(np.array([0.2, 0.8]), np.zeros(2), 0.5), [0.0, 0.3])


def test_rules() -> None:
    mean, deviation = np.array([0.0, 1.0, 0.9]), np.array([2.0, 0.1, 0.5])
    assert np.argmax(scores("bound", mean, deviation, 1.0)) == 0
    assert np.argmax(scores("greedy", mean, deviation, 1.0)) == 1
    assert np.argmax(scores("improvement", mean, deviation, 1.0)) == 0
    np.testing.assert_allclose(scores("bound", mean, deviation, 1.0, doubt=0), mean)
    first, again, other = (scores("random", mean, deviation, 1.0, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()
    with pytest.raises(NucleateError, match="no rule is called 'best'"):
        scores("best", mean, deviation, 1.0)


def test_chosen_candidates_differ() -> None:
    """Two clusters: the highest scores all lie in one, and one of the other is taken as soon as the pool reaches it."""
    places = np.concatenate([RNG.normal(0, 0.01, (6, 2)), RNG.normal(5, 0.01, (6, 2))])
    scored = np.concatenate([np.linspace(2, 1.5, 6), np.linspace(1, 0.5, 6)])
    assert sorted(chosen(scored, places, 3, pool=1).tolist()) == [0, 1, 2]
    found = chosen(scored, places, 3, pool=4)
    assert found[0] == 0
    assert found[1] >= 6
    assert len(set(found.tolist())) == 3
    assert len(chosen(scored, places, 20)) == 12
    assert len(chosen(scored, places, 0)) == 0
    same = chosen(np.ones(4), np.zeros((4, 2)), 4)
    assert sorted(same.tolist()) == [0, 1, 2, 3]


def test_the_process_is_that_of_the_textbook() -> None:
    """Means and deviations by inverting the kernel matrix, the likelihood by scipy's density."""
    places, new = RNG.normal(0, 0.4, (12, 3)), RNG.normal(0, 0.4, (5, 3))
    values = 0.3 + 0.05 * np.sin(3 * places[:, 0]) + RNG.normal(0, 0.002, 12)
    model = DeltaModel.fit(places, values)
    matrix = kernel(places, places, model.length) + model.noise**2 * np.eye(12)
    standard = (values - values.mean()) / values.std()
    across = kernel(new, places, model.length)
    mean = values.mean() + values.std() * across @ np.linalg.inv(matrix) @ standard
    spread = values.std() * np.sqrt(1 - np.einsum("ij,jk,ik->i", across, np.linalg.inv(matrix), across))
    found, deviation = model.predict(new)
    np.testing.assert_allclose(found, mean, rtol=1e-8)
    np.testing.assert_allclose(deviation, spread, rtol=1e-6)
    assert model.likelihood == pytest.approx(multivariate_normal(np.zeros(12), matrix).logpdf(standard))
    every = [
        multivariate_normal(np.zeros(12), kernel(places, places, one) + noise**2 * np.eye(12)).logpdf(
            standard
        )
        for one in LENGTHS
        for noise in NOISES
    ]
    assert model.likelihood == pytest.approx(max(every))


def test_it_learns_a_smooth_difference_and_knows_where_it_does_not() -> None:
    places = RNG.uniform(0, 1, (40, 2))
    new = np.concatenate([RNG.uniform(0, 1, (60, 2)), RNG.uniform(3, 4, (20, 2))])

    def truth(x: np.ndarray) -> np.ndarray:
        return 0.1 * np.sin(2 * x[:, 0]) + 0.05 * x[:, 1]

    mean, deviation = DeltaModel.fit(places, truth(places)).predict(new)
    assert np.abs(mean - truth(new))[:60].max() < 0.02
    assert deviation[60:].min() > 3 * deviation[:60].max()
    assert spearmanr(deviation, np.abs(mean - truth(new)))[0] > 0.3
    with pytest.raises(DataError, match="1 calculations are too few"):
        DeltaModel.fit(places[:1], np.zeros(1))


def test_places_tell_compositions_and_volumes_apart() -> None:
    one = Cell(np.array([12, 8]), np.array([[0.0] * 3, [0.5] * 3]), 3 * np.eye(3))
    other = Cell(np.array([20, 16]), one.frac, one.lattice)
    wide = one._replace(lattice=3.3 * np.eye(3))
    found = places_of([one, other, wide])
    assert np.linalg.norm(found[0] - found[1]) == pytest.approx(2**0.5)
    assert np.linalg.norm(found[0] - found[2]) == pytest.approx(3 * np.log(1.1))
