"""Decisions between candidates: probabilities of a conditional logit, slopes of its fit, files that are refused."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from nucleate.discovery.deciding import (
    FEATURES,
    MOST_ABOVE,
    MOST_GAIN,
    Decision,
    Evidence,
    features,
    shipped_decision,
)
from nucleate.errors import DataError, NucleateError

GOOD = Evidence(0.6, 0, 4, False, 0.0, 0.001, 0.01)
BAD = Evidence(0.02, 3, 1, False, 0.15, 0.3, -0.2)


def fitting() -> ModuleType:
    """benchmarks/fit_energies.py"""
    path = Path(__file__).parents[2] / "benchmarks" / "fit_energies.py"
    spec = importlib.util.spec_from_file_location("fit_energies", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fit_energies"] = module
    spec.loader.exec_module(module)
    return module


def test_probabilities_are_a_softmax_with_one_place_for_none() -> None:
    model = Decision({"score": 2.0, "above": -0.01}, 0.5, -0.1, {})
    each, none = model.probabilities([GOOD, BAD])
    powers = np.exp([2 * 0.6, 2 * 0.02 - 0.01 * 150, 0.5 - 0.1 * 2])
    assert np.allclose([*each, none], powers / powers.sum())
    assert model.probabilities([])[1] == 1.0


def test_order_does_not_matter() -> None:
    model = shipped_decision()
    cases = [GOOD, BAD, replace(BAD, above=0.02, place=1)]
    each, none = model.probabilities(cases)
    back, other = model.probabilities(cases[::-1])
    assert np.allclose(each, back[::-1])
    assert none == pytest.approx(other)


def test_a_missing_energy_counts_as_the_limit() -> None:
    nothing = features(Evidence(0.0, 0, 1))
    assert nothing["above"] == 1000 * MOST_ABOVE
    assert nothing == features(Evidence(0.0, 0, 1, False, 9.0, 9.0, -9.0))
    assert tuple(nothing) == FEATURES


def test_what_a_crystal_gains_counts_up_to_a_limit() -> None:
    """Olivine made of LiNiAsO4 gains 250 meV/atom as LiFePO4, and is right."""
    model = shipped_decision()
    foreign, little = (model.of_energies(replace(GOOD, gain=gain)) for gain in (0.25, MOST_GAIN))
    assert foreign == pytest.approx(little)
    assert little < model.of_energies(replace(GOOD, gain=0.0))
    lowest, other = replace(GOOD, gain=0.25), replace(GOOD, above=0.005, gain=MOST_GAIN)
    assert model.of_energies(lowest) > model.of_energies(other)


def test_the_shipped_decision_prefers_good_candidates() -> None:
    model = shipped_decision()
    each, none = model.probabilities([GOOD, BAD])
    assert each[0] > 0.5
    assert each[1] < 0.1
    assert each.sum() + none == pytest.approx(1)
    high, _ = model.probabilities([replace(GOOD, above=0.15), replace(BAD, above=0.0)])
    assert high[0] < each[0]
    assert {"data", "date", "command", "held_out", "fitted"} <= set(model.card)


def test_files_that_hold_no_decision_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text(json.dumps({"weights": {}}))
    with pytest.raises(DataError, match="holds no model of decisions"):
        Decision.open(path)
    path.write_text(Decision({"colour": 1.0}, 0.0, 0.0, {}).to_json())
    with pytest.raises(DataError, match="weighs colour, which is no feature"):
        Decision.open(path)
    path.write_text(Decision({"score": 1.0}, 0.25, 0.0, {"date": "today"}).to_json())
    assert Decision.open(path) == Decision({"score": 1.0}, 0.25, 0.0, {"date": "today"})


def test_numbers_that_are_not_finite_are_refused() -> None:
    for wrong in (replace(GOOD, score=np.nan), replace(GOOD, score=-np.inf), replace(GOOD, above=np.nan)):
        with pytest.raises(NucleateError, match="no finite number"):
            shipped_decision().probabilities([wrong, BAD])


def test_slopes_of_the_fit_are_differences_of_its_loss() -> None:
    script, rng = fitting(), np.random.default_rng(0)
    answers = ([True], [False, False], [True, False, True], [False, True, False, False])
    data = [(rng.normal(size=(len(right), 3)), np.array(right)) for right in answers]
    at = rng.normal(size=5)
    _, slope = script._loss(at, data)
    for place in range(5):
        step = np.eye(5)[place] * 1e-5
        difference = script._loss(at + step, data)[0] - script._loss(at - step, data)[0]
        assert slope[place] == pytest.approx(difference / 2e-5, abs=1e-8)


def test_a_fit_recovers_the_weights_behind_the_draws() -> None:
    """2,000 questions answered by a known model: its weights come back, and its probabilities are calibrated."""
    script, rng = fitting(), np.random.default_rng(1)
    truth = Decision({"score": 2.0, "above": -0.03}, -1.0, 0.0, {})
    asked = []
    for _ in range(2000):
        each = [Evidence(-float(s), 0, 1, False, float(a)) for s, a in rng.random((3, 2)) * [2.0, 0.2]]
        shares, none = truth.probabilities(each)
        answer = rng.choice(4, p=[*shares, none])
        asked.append((each, np.arange(3) == answer))
    fit = script.Fit(("score", "above"), asked).decision({})
    assert fit.weights["score"] == pytest.approx(2.0, abs=0.4)
    assert fit.weights["above"] == pytest.approx(-0.03, abs=0.006)
    said = [np.append(*fit.probabilities(each)) for each, _ in asked]
    rows = [row for row in script.judged(asked, said)["reliability_of_first"] if row["answers"] > 200]
    assert len(rows) > 1
    for row in rows:
        assert row["said"] == pytest.approx(row["right"], abs=0.08)
