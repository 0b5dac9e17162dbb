"""Energies of the elements: exact data come back, wrong structures don't matter, bad elements are named."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.energies.convex_hull import fractions_of
from nucleate.energies.element_energies import ElementEnergies, least_absolute, spread
from nucleate.errors import DataError

TRUE = {3: -1.91, 8: -4.95, 26: -8.47, 17: -1.85}


def made(structures: int, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    fractions = np.stack([fractions_of(rng.choice(list(TRUE), 6)) for _ in range(structures)])
    values = sum(fractions[:, z] * energy for z, energy in TRUE.items())
    return fractions, np.asarray(values) + rng.normal(0, noise, structures)


def test_exact_energies_come_back() -> None:
    fit = ElementEnergies.fit(*made(60, 0.0))
    assert fit.energies == pytest.approx(TRUE)
    assert fit.residual == pytest.approx(0, abs=1e-9)
    assert fit.structures == 60
    assert fit.of(fractions_of(np.array([3, 3, 8]))) == pytest.approx((2 * TRUE[3] + TRUE[8]) / 3)


def test_a_few_wrong_structures_change_little() -> None:
    fractions, values = made(200, 0.01)
    values[:8] += 3.0
    robust = least_absolute(fractions, values)
    squares = np.linalg.lstsq(fractions, values, rcond=None)[0]
    truth = np.array([TRUE[z] for z in TRUE])
    assert np.abs(robust[list(TRUE)] - truth).max() < 0.02
    assert np.abs(squares[list(TRUE)] - truth).max() > 0.05


def test_absolute_deviations_are_smallest() -> None:
    """Against a median: one element, so that the fit is a median."""
    fractions = np.stack([fractions_of(np.array([3]))] * 5)
    found = least_absolute(fractions, np.array([0.0, 1.0, 2.0, 10.0, 100.0]))
    assert found[3] == pytest.approx(2.0, abs=0.02)


def test_an_element_with_inconsistent_energies_is_left_out() -> None:
    fractions, values = made(120, 0.005)
    extra = np.stack(
        [
            fractions_of(np.array([93, 8, 8])),
            fractions_of(np.array([93, 3])),
            fractions_of(np.array([93, 26])),
        ]
        * 4
    )
    wrong = extra @ np.array([TRUE.get(z, 0.0) for z in range(MAX_ATOMIC_NUMBER + 1)])
    wrong += extra[:, 93] * np.where(np.arange(12) % 2, -12.9, -0.2)
    fit = ElementEnergies.fit(np.concatenate([fractions, extra]), np.concatenate([values, wrong]))
    assert set(fit.unreliable) == {93}
    assert fit.unreliable[93] > 1
    assert set(fit.energies) == set(TRUE)
    assert fit.residual < 0.01
    assert fit.to_dict()["unreliable"].keys() == {"Np"}


def test_a_rare_element_is_left_out() -> None:
    fractions, values = made(60, 0.0)
    rare = fractions_of(np.array([79, 8]))[None]
    fit = ElementEnergies.fit(np.concatenate([fractions, rare]), np.append(values, -4.0))
    assert set(fit.unreliable) == {79}
    assert fit.energies == pytest.approx(TRUE)


def test_fits_without_data() -> None:
    with pytest.raises(DataError, match="no structure"):
        ElementEnergies.fit(np.zeros((0, 119)), np.zeros(0))
    fractions = np.stack([fractions_of(np.array([3]))] * 4)
    with pytest.raises(DataError, match="no element has the same energy throughout"):
        ElementEnergies.fit(fractions, np.array([0.0, 5.0, -5.0, 9.0]))


def test_spread_covers_every_element() -> None:
    fractions, _ = made(300, 0.0)
    usable = np.ones(300, dtype=bool)
    usable[:10] = False
    rows = spread(fractions, usable, 7)
    assert min(rows) >= 10
    assert list(rows) == sorted(set(rows))
    assert len(rows) <= 7 * len(TRUE)
    for z in TRUE:
        assert (fractions[rows][:, z] > 0).sum() >= 7
