"""Formulas against independent ones: ridge, conformal quantile, Allen-Dynes, scores, parts."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from nucleate.errors import DataError
from nucleate.properties.allen_dynes import critical_temperature
from nucleate.properties.composition import described, element_features, fractions_of, system_of, widths
from nucleate.properties.conformal import conformal_quantile, needed
from nucleate.properties.labels import from_scale, scale_of, to_scale
from nucleate.properties.parts import parts_of
from nucleate.properties.ridge import fit_ridge
from nucleate.properties.scores import ranks, scores, spearman
from tests.training.tiny import mixed_sizes, random_table

DATA = Path(__file__).parents[2] / "data" / "alexandria_tc"


def regression(rows: int = 60, columns: int = 8, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, columns)) * rng.uniform(0.1, 10, columns) + 3
    return x, x @ rng.normal(size=columns) + rng.normal(size=rows) + 5


def test_ridge_solves_the_normal_equations():
    x, y = regression()
    found = fit_ridge(x, y, (3.0,))
    z = (x - x.mean(0)) / x.std(0)
    weights = np.linalg.solve(z.T @ z + 3.0 * np.eye(8), z.T @ (y - y.mean()))
    np.testing.assert_allclose(found.weights, weights, rtol=1e-9)
    slope, bias = found.slope()
    np.testing.assert_allclose(x @ slope + bias, found(x), rtol=1e-9)


def test_ridge_chooses_the_penalty_that_leaving_one_out_chooses():
    x, y = regression(25)
    alphas = (0.01, 1.0, 30.0, 1000.0)

    def left_out(alpha: float) -> float:
        errors = []
        for row in range(len(y)):
            keep = np.arange(len(y)) != row
            # The columns are standardised with all rows, as the formula for the leverage has it.
            z = (x - x.mean(0)) / x.std(0)
            bias = np.ones((len(y), 1))
            design = np.concatenate([z, bias], 1)
            penalty = alpha * np.diag([*np.ones(8), 0.0])
            part = design[keep]
            solution = np.linalg.solve(part.T @ part + penalty, part.T @ y[keep])
            errors.append(y[row] - design[row] @ solution)
        return float(np.mean(np.square(errors)))

    assert fit_ridge(x, y, alphas).alpha == min(alphas, key=left_out)


def test_ridge_agrees_with_scikit_learn():
    linear = pytest.importorskip("sklearn.linear_model")
    x, y = regression()
    z = (x - x.mean(0)) / x.std(0)
    theirs = linear.Ridge(alpha=10.0).fit(z, y)
    np.testing.assert_allclose(fit_ridge(x, y, (10.0,))(x), theirs.predict(z), rtol=1e-9)


def test_a_column_that_never_changes_says_nothing():
    x, y = regression()
    constant = np.concatenate([x, np.full((60, 1), 2.0)], 1)
    np.testing.assert_allclose(fit_ridge(constant, y)(constant), fit_ridge(x, y)(x), rtol=1e-9)


@pytest.mark.parametrize(("y", "words"), [(np.ones(10), "same value, 1"), (np.array([1.0, 2.0]), "2 rows")])
def test_nothing_to_learn_is_said(y, words):
    with pytest.raises(DataError, match=words):
        fit_ridge(np.arange(2.0 * len(y)).reshape(len(y), 2), y)


def test_nine_of_ten_new_scores_are_below_the_quantile():
    rng = np.random.default_rng(0)
    inside = [
        rng.exponential() <= conformal_quantile(rng.exponential(size=19), 0.9) for _ in range(20000)
    ]  # fmt: skip
    # Of 20 exchangeable scores the new one is among the lowest 18 in 18 of 20 draws.
    assert abs(np.mean(inside) - 0.9) < 0.01


def test_the_quantile_is_an_order_statistic():
    assert conformal_quantile(np.arange(9.0), 0.9) == 8
    assert conformal_quantile(np.arange(99.0), 0.9) == 89
    assert needed(0.9) == 9
    with pytest.raises(DataError, match="8 rows for calibration are too few for intervals of 90%"):
        conformal_quantile(np.arange(8.0), 0.9)


def allen_dynes(coupling: float, omega: float, mu: float) -> float:
    """The formula as printed, one number at a time."""
    below = coupling - mu * (1 + 0.62 * coupling)
    if below <= 0:
        return 0.0
    f1 = (1 + (coupling / (2.46 * (1 + 3.8 * mu))) ** (3 / 2)) ** (1 / 3)
    return f1 * omega / 1.2 * math.exp(-1.04 * (1 + coupling) / below)


def test_critical_temperatures():
    # Lead: lambda 1.55, omega_log 56 K, mu* 0.105, Tc 7.2 K (Allen and Dynes 1975, table I).
    lead = float(critical_temperature(torch.tensor(1.55), torch.tensor(56.0), 0.105))
    assert abs(lead - 7.2) < 0.4
    coupling, omega = torch.linspace(0, 3, 31, dtype=torch.float64), torch.tensor(150.0, dtype=torch.float64)
    expected = [allen_dynes(x, 150.0, 0.1) for x in coupling.tolist()]
    np.testing.assert_allclose(critical_temperature(coupling, omega), expected, rtol=1e-12)
    assert expected[1] == 0
    coupling.requires_grad_()
    critical_temperature(coupling, omega).sum().backward()
    assert coupling.grad is not None
    assert coupling.grad.isfinite().all()


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the data set alexandria_tc")
def test_it_gives_back_the_column_of_the_data():
    from nucleate.data.table import read_table

    known = read_table(DATA / "val.parquet").properties
    found = critical_temperature(torch.tensor(known["lambda_ep"]), torch.tensor(known["omega_log"]))
    assert np.median(np.abs(found.numpy() - known["tc"])) < 0.002


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the data set alexandria_tc")
def test_the_published_baseline():
    """Fractions alone, log(1 + Tc): MAE 2.07 K, 25.6 % of the top decile at or above 10 K (base 5.5 %)."""
    from nucleate.data.table import read_table

    train, val = (read_table(DATA / f"{name}.parquet") for name in ("train", "val"))
    x, unseen = (fractions_of(table).numpy()[:, 1:] for table in (train, val))
    ridge = fit_ridge(x, np.log1p(train.properties["tc"]))
    found = scores(val.properties["tc"], np.expm1(ridge(unseen)), at_least=(10,))
    assert found.mae.value is not None
    assert abs(found.mae.value - 2.07) < 0.02
    event = found.events[1]
    assert event.top.value is not None
    assert abs(event.top.value - 0.256) < 0.01
    assert abs(event.base - 0.055) < 0.001


def test_scales_and_their_inverses():
    values = torch.tensor([0.0, 0.3, 40.0])
    for scale in ("linear", "log1p"):
        torch.testing.assert_close(from_scale(to_scale(values, scale), scale), values)
    torch.testing.assert_close(from_scale(to_scale(values[1:], "log"), "log"), values[1:])
    rng = np.random.default_rng(0)
    assert scale_of(rng.lognormal(size=500)) == "log1p"
    assert scale_of(rng.normal(size=500)) == "linear"


def test_ranks_with_ties_and_spearman():
    assert ranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [3.5, 1, 3.5, 2]
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(1)
    one, other = rng.integers(0, 5, 40).astype(float), rng.normal(size=40)
    assert spearman(one, other) == pytest.approx(stats.spearmanr(one, other).statistic)
    assert spearman(np.ones(4), np.arange(4.0)) == 0


def test_scores_of_a_known_case():
    truth = np.arange(100.0)
    found = scores(truth, truth + 1, truth, truth + 2, at_least=(90, 1000))
    assert found.mae.value == 1
    assert found.r2.value == pytest.approx(1 - 100 / ((truth - truth.mean()) ** 2).sum())
    assert found.coverage is not None
    assert found.coverage.value == 1
    assert found.width == 2
    highest, ninety, never = found.events
    assert highest.enrichment == pytest.approx(10)
    assert ninety.top.value == 1
    assert never.enrichment is None
    assert scores(np.full(20, 2.0), np.arange(20.0)).r2.value == 0


def test_moments_are_those_of_the_atoms():
    table, features = random_table(mixed_sizes(10)), element_features()
    columns = described(fractions_of(table), torch.from_numpy(features)).numpy()
    assert columns.shape == (10, widths(6)[1]) == (10, 100 + 13 + 91)
    for row in range(10):
        species = table.species[table.atoms_of(row)]
        np.testing.assert_allclose(columns[row, 100:106], features[species].mean(0), atol=1e-12)
        np.testing.assert_allclose(columns[row, 106:112], features[species].std(0), atol=1.1e-3)
        counts = np.unique(species, return_counts=True)[1] / len(species)
        assert columns[row, 112] == pytest.approx((counts**2).sum())
        products = np.outer(columns[row, 100:113], columns[row, 100:113])
        np.testing.assert_allclose(columns[row, 113:], products[np.triu_indices(13)])
        assert columns[row, 25] == np.mean(species == 26)


def test_halves_are_disjoint_and_share_no_chemical_system():
    table = random_table(mixed_sizes(300))
    labels = np.random.default_rng(0).normal(size=300)
    labels[:20] = np.nan
    first, second = (parts_of(table, labels, 0.2, half) for half in ("first", "second"))
    rows = [np.concatenate([one.training, one.calibration]) for one in (first, second)]
    assert sorted(np.concatenate(rows)) == list(range(20, 300))
    systems = [{system_of(table, int(row)) for row in some} for some in rows]
    assert not systems[0] & systems[1]
    assert min(map(len, rows)) > 20
    assert not set(first.training) & set(first.calibration)


def test_what_is_held_out():
    table = random_table(mixed_sizes(300))
    labels = np.random.default_rng(0).normal(size=300)
    by_range = parts_of(table, labels, 0.2, split_by="range", held_out=0.1)
    assert labels[by_range.held_out].min() > labels[np.r_[by_range.training, by_range.calibration]].max()
    assert len(by_range.held_out) == 30
    by_system = parts_of(table, labels, 0.2, split_by="chemical-system", held_out=0.4)
    held, used = (
        {system_of(table, int(row)) for row in rows} for rows in (by_system.held_out, by_system.training)
    )
    assert held
    assert not held & used
    by_chance = parts_of(table, labels, 0.2, split_by="random", held_out=0.3)
    assert 60 < len(by_chance.held_out) < 120
