"""The hull that grows, and what the calls teach."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.cell import Cell
from nucleate.energies.convex_hull import Phases, fractions_of
from nucleate.energies.hull import Hull
from nucleate.funnel.rounds.growing import grown, lowered
from nucleate.funnel.rounds.learned import NORMAL, learned
from nucleate.properties.delta import DeltaModel, _fitted, places_of
from tests.funnel.crystals import caesium_chloride, rocksalt


def hull(*phases: tuple[list[int], float]) -> Hull:
    fractions = np.array([fractions_of(np.array(numbers)) for numbers, _ in phases])
    return Hull("made", Phases(fractions), np.array([energy for _, energy in phases]), ["x"] * len(phases))


def made(*numbers: int) -> Cell:
    return Cell(np.array(numbers), np.random.default_rng(0).random((len(numbers), 3)), 4.0 * np.eye(3))


def test_what_lies_below_joins_the_hull_and_lowers_it_by_the_lever_rule():
    old = hull(([11], 0.0), ([17], 0.0), ([11, 17], -1.0))
    now = grown(old, [rocksalt(), made(11, 11, 11, 17)], [-0.4, 0.2], ["salt", "above"])
    assert now.labels == ["x", "x", "x", "salt"]
    where = [rocksalt(), made(11, 11, 11, 17), made(11), made(17, 17, 17, 11)]
    assert lowered(old, now, where) == pytest.approx([0.4, 0.2, 0.0, 0.2])
    assert now.energy_at(np.array([11, 17])) == pytest.approx(-1.4)
    assert old.energy_at(np.array([11, 17])) == pytest.approx(-1.0)
    assert len(old.phases) == 3


def test_nothing_below_changes_nothing():
    old = hull(([11], 0.0), ([17], 0.0))
    assert grown(old, [rocksalt()], [0.0], ["salt"]) is old
    assert lowered(old, old, [rocksalt()]).tolist() == [0.0]


def test_of_two_polymorphs_the_lower_one_counts():
    old = hull(([11], 0.0), ([17], 0.0))
    now = grown(old, [rocksalt(), caesium_chloride(11)], [-0.2, -0.5], ["one", "two"])
    assert lowered(old, now, [rocksalt()]) == pytest.approx([0.5])


def crystals(count: int) -> tuple[list[Cell], np.ndarray]:
    rng = np.random.default_rng(3)
    cells = [
        rocksalt(int(a), int(b), 4 + rng.random())
        for a, b in zip(rng.integers(3, 40, count), rng.integers(3, 40, count), strict=True)
    ]
    return cells, np.array([0.02 * cell.species[0] + 0.1 * rng.standard_normal() for cell in cells])


def test_left_out_is_a_fit_without_it():
    cells, values = crystals(12)
    places, model = places_of(cells), DeltaModel.fit(places_of(cells), values)
    means, deviations = model.left_out(values)
    for row in range(len(cells)):
        others = np.arange(len(cells)) != row
        standard = (values[others] - model.mean) / model.scale
        root, weights, length, noise, likelihood = _fitted(
            places[others], standard, model.length, model.noise
        )
        alone = DeltaModel(places[others], weights, root, model.mean, model.scale, length, noise, likelihood)
        mean, deviation = alone.predict(places[row : row + 1])
        assert means[row] == pytest.approx(mean[0], abs=1e-9)
        assert deviations[row] == pytest.approx(np.hypot(deviation[0], noise * model.scale), rel=1e-6)


def test_intervals_hold_nine_in_ten_of_those_left_out():
    cells, values = crystals(40)
    found = learned(cells, values.tolist())
    mean, deviation = found.model.left_out(values)
    inside = np.abs(values - mean) <= found.factor * NORMAL * deviation
    assert 0.9 <= inside.mean() <= 0.95
    assert learned(cells[:1], [0.1]) is None
    assert learned(cells[:8], values[:8].tolist()).factor == 1.0
