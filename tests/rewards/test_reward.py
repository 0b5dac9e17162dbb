"""Parts, gates, the diversity filter and their combination against numbers by hand."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.cell import Cell
from nucleate.errors import ModelError, NucleateError, RecipeError
from nucleate.rewards import Function, Gates, Reward, Scores, Shape, Weighted, reward_of
from nucleate.rewards.diversity import filtered, spared
from tests.rewards.made import rocksalt, simple

SALT, IRON = rocksalt(), simple("Fe", 2.87)
ANY = Gates(usable=False)


def constant(*values: float) -> Function:
    return Function(lambda cells: np.array(values[: len(cells)]))


def test_product_and_mean_of_weighted_shapes():
    parts = {"a": Weighted(constant(0.5, 0.2), weight=2), "b": Weighted(constant(0.4, 1.0))}
    np.testing.assert_allclose(Reward(parts, gates=ANY)([SALT, SALT]).value, [0.25 * 0.4, 0.04])
    mean = Reward(parts, "mean", ANY)([SALT, SALT])
    np.testing.assert_allclose(mean.value, [(2 * 0.5 + 0.4) / 3, (2 * 0.2 + 1) / 3])


def test_what_is_not_known_is_worth_nothing():
    scores = Reward({"a": constant(np.nan, 0.5)}, gates=ANY)([SALT, SALT])
    assert scores.value.tolist() == [0, 0.5]


def test_facts_of_crystals():
    reward = reward_of(
        {
            "parts": {
                "density": {"kind": "density", "shape": "saturating", "value": 1.0},
                "group": {"kind": "space-group", "numbers": [225]},
                "any": {"kind": "space-group"},
                "metal": {"kind": "elements", "elements": ["Na", "Fe"]},
            },
            "combine": "mean",
        }
    )
    said = reward([SALT, IRON]).parts
    # rocksalt: four formula units of 58.44 g/mol in (5.64 Å)^3
    assert said["density"][0] == pytest.approx(4 * 58.443 * 1.66054 / 5.64**3, rel=1e-3)
    assert said["group"].tolist() == [1, 0]
    assert said["any"].tolist() == [1, 1]
    assert said["metal"].tolist() == [0.5, 1]


@pytest.mark.parametrize(
    ("gates", "reason"),
    [
        (Gates(min_distance=3.0), "min_distance"),
        (Gates(volume_per_atom=(30.0, 60.0)), "volume_per_atom"),
        (Gates(volume_per_atom=(1.0, 20.0)), "volume_per_atom"),
        (Gates(without=("Cl",)), "element"),
        (Gates(atoms=(3, 20)), "number_of_atoms"),
        (Gates(atoms=(1, 1)), "number_of_atoms"),
    ],
)
def test_gates_stop_crystals(gates, reason):
    scores = Reward({"a": Function(lambda cells: np.ones(len(cells)))}, gates=gates)([SALT])
    assert (scores.value[0], scores.reasons[0], scores.calls) == (0, reason, 0)


def test_what_passes_the_gates_is_measured_and_nothing_else():
    asked: list[int] = []

    def count(cells: list[Cell]) -> np.ndarray:
        asked.append(len(cells))
        return np.ones(len(cells))

    gates = Gates(min_distance=2.5, volume_per_atom=(5, 30), without=("U",), atoms=(1, 2))
    near = SALT._replace(lattice=SALT.lattice / 3)
    scores = Reward({"a": Function(count)}, gates=gates)([SALT, near, None, simple("U", 3.0)])
    assert asked == [1]
    assert scores.value.tolist() == [1, 0, 0, 0]
    assert scores.reasons[1:] == ("too_dense", "unreadable", "element")


def test_scores_survive_a_file():
    scores = Reward({"a": constant(np.nan, 0.1)}, gates=ANY)([SALT, IRON, None])
    again = Scores.from_dict(scores.to_dict())
    np.testing.assert_array_equal(again.value, scores.value)
    np.testing.assert_array_equal(again.parts["a"], scores.parts["a"])
    assert again.reasons == scores.reasons


def test_a_crowded_chemical_system_keeps_its_best():
    salt, iron = SALT.formula, IRON.formula
    values = np.array([0.5, 0.9, 0.7, 0.1, 0.0])
    kept = spared([salt, salt, salt, iron, iron], values, [], most=2)
    assert kept.tolist() == [False, True, True, True, True]
    assert spared([salt] * 2, np.array([0.2, 0.1]), [salt], most=2).tolist() == [True, False]
    assert spared([salt] * 3, values[:3], [], repeats=1).tolist() == [False, True, False]


def test_the_filter_remembers_what_it_rewarded():
    gates = Gates(largest_systems=0.5, memory=3)
    values, memory = filtered([SALT, SALT, SALT, IRON, None], np.array([0.1, 0.9, 0.5, 0.2, 0.0]), [], gates)
    assert values.tolist() == [0, 0.9, 0.5, 0.2, 0]
    assert len(memory) == 3
    again, memory = filtered([SALT, SALT], np.array([0.9, 0.8]), memory, gates)
    assert again.tolist() == [0, 0]
    free, _ = filtered([SALT] * 4, np.full(4, 0.5), memory, Gates())
    assert (free == 0.5).all()


def test_a_function_has_to_give_a_number_for_each():
    reward = Reward({"a": Function(lambda cells: [1.0])}, gates=ANY)
    with pytest.raises(ModelError, match="for 2 crystals"):
        reward([SALT, IRON])


def test_bounds_and_doubt_of_a_predictor():
    part = {"kind": "predictor", "model": "property-tc-first", "shape": "saturating", "value": 10.0}
    free = reward_of({"parts": {"tc": {**part, "range": [-1e6, 1e6]}}})
    bounded = reward_of({"parts": {"tc": {**part, "range": [1.0, 1.5]}}})
    doubted = reward_of({"parts": {"tc": {**part, "range": [-1e6, 1e6], "doubt": 1.0}}})
    cells = [simple("Nb", 2.9), rocksalt("Nb", "N", 4.39), SALT]
    value = free(cells).parts["tc"]
    np.testing.assert_allclose(bounded(cells).parts["tc"], value.clip(1.0, 1.5))
    assert (doubted(cells).parts["tc"] < value).all()


def test_extrapolations_have_no_value_where_only_familiar_crystals_are_believed():
    part = {"kind": "predictor", "model": "property-tc-first", "shape": "saturating", "value": 10.0}
    cells = [rocksalt("Nb", "N", 4.39), rocksalt("Pr", "N", 5.1), simple("Nb", 6.5)]
    trusting, cautious = (
        reward_of({"parts": {"tc": one}, "gates": {"usable": False}})
        for one in (part, {**part, "familiar": True})
    )
    value = trusting(cells).parts["tc"]
    said = cautious(cells).parts["tc"]
    assert said[0] == value[0]
    assert np.isfinite(value).all()
    assert np.isnan(said[1:]).all()
    assert cautious.identity != trusting.identity
    assert "familiar" not in trusting.identity


def test_identity_says_everything():
    one = {"parts": {"d": {"kind": "density", "shape": "saturating", "value": 1.0}}}
    texts = {
        reward_of(one).identity,
        reward_of({**one, "combine": "mean"}).identity,
        reward_of({**one, "gates": {"atoms": [1, 9]}}).identity,
        reward_of({"parts": {"d": {**one["parts"]["d"], "weight": 2}}}).identity,
        reward_of({"parts": {"d": {**one["parts"]["d"], "value": 2.0}}}).identity,
    }
    assert len(texts) == 5
    assert "weights" not in reward_of(one).identity


def test_no_parts_no_reward():
    with pytest.raises(RecipeError, match="no parts"):
        Reward({})
    with pytest.raises(RecipeError, match="weight"):
        Reward({"a": Weighted(constant(1), weight=0)})
    with pytest.raises(NucleateError, match="shape is missing"):
        reward_of({"parts": {"d": {"kind": "density"}}})
    assert Reward({"a": Weighted(constant(0.5), Shape("target", 0.5, 1))}, gates=ANY)([SALT]).value == [1]
