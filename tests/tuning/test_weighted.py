"""Reward-weighted fine-tuning: it raises what it is asked for, keeps what it must, and goes on after a kill."""

from __future__ import annotations

import csv
import json
import signal

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from nucleate.errors import NucleateError
from nucleate.predictor import load
from nucleate.rewards import Function, Gates, Reward, Shape, Weighted
from nucleate.rewards.facts import Density
from nucleate.runs.model_folder import checksum, read_card
from nucleate.tuning import Budget, tune
from nucleate.tuning.buffer import Buffer
from nucleate.tuning.record import read_round
from tests.rewards.made import rocksalt, simple
from tests.training.tiny import mixed_sizes, random_table, send_when, start, write_dataset
from tests.tuning.made import IRON, QUICK, iron, model

FAST = [*QUICK, "draws=8", "steps=3", "batch=8", "base_draws=8"]


@pytest.mark.parametrize(("name", "gain"), [("dng", 0.15), ("flow", 0.06)])
def test_the_share_of_an_element_rises(tmp_path, name, gain):
    folder = model(tmp_path, name)
    done = tune(folder, iron(), tmp_path / "run", budget=Budget(rounds=5), settings=QUICK, device="cpu")
    first, last = done.rows[0]["reward"], done.rows[-1]["reward"]
    assert last > first + gain, (first, last)
    drawn = load(done.model).generate(32, 5)
    share = np.mean([site.specie.symbol == "Fe" for one in drawn for site in one])
    assert share > first + gain
    card = read_card(done.model / "card.json")
    assert card["tuned"]["base"] == {"name": "base", "weights": checksum(folder)}
    assert (card["tuned"]["calls"], card["tuned"]["rounds"]) == (done.calls, 5)
    assert "Elements" in card["tuned"]["reward"][0]
    assert f"{done.calls} property calls" in load(done.model).facts()["tuned"]
    again = tune(done.model, iron(), tmp_path / "again", budget=Budget(rounds=1), settings=FAST, device="cpu")
    assert read_card(again.model / "card.json")["tuned"]["earlier"] == card["tuned"]


def test_low_rank_changes_are_merged(tmp_path):
    folder = model(tmp_path)
    done = tune(
        folder, iron(), tmp_path / "run", budget=Budget(rounds=2), settings=[*QUICK, "rank=4"], device="cpu"
    )
    before, after = (load_file(each / "weights.safetensors") for each in (folder, done.model))
    assert before.keys() == after.keys()
    ranks = [
        int(torch.linalg.matrix_rank(after[name] - before[name], rtol=1e-3))
        for name in before
        if before[name].ndim == 2 and min(before[name].shape) > 4 and not after[name].equal(before[name])
    ]
    assert ranks
    assert max(ranks) <= 4
    assert load(done.model).generate(1, 0)


def test_a_model_of_given_compositions(tmp_path):
    folder = model(tmp_path, "csp")
    dense = Reward({"dense": Weighted(Density(), Shape("saturating", 3.0))}, gates=Gates(usable=False))
    with pytest.raises(NucleateError, match="has to be given compositions"):
        tune(folder, dense, tmp_path / "run", settings=FAST, device="cpu")
    done = tune(
        folder, dense, tmp_path / "run", budget=Budget(rounds=1), settings=FAST, device="cpu",
        formulas=["LiFeO2", "FeO"],
    )  # fmt: skip
    known = read_round(tmp_path / "run", 1)
    assert known is not None
    formulas = {cell.formula for cell in known[0].cells if cell is not None}
    assert formulas == {((3, 1), (8, 2), (26, 1)), ((8, 1), (26, 1))}
    assert load(done.model).predict("FeO")


def test_crystals_of_a_data_set_stand_for_draws(tmp_path):
    folder = model(tmp_path)
    data = write_dataset(tmp_path / "data", train=random_table(mixed_sizes(20)))
    done = tune(
        folder, iron(), tmp_path / "run", budget=Budget(rounds=1), settings=FAST, data=data, device="cpu"
    )
    assert done.rounds == 1
    assert not (tmp_path / "run" / "base.json").exists()
    with pytest.raises(NucleateError, match="no effect"):
        tune(folder, iron(), tmp_path / "other", "policy", data=data, device="cpu")


def test_nothing_is_learned_without_a_reward(tmp_path):
    nothing = Reward({"none": Function(lambda cells: np.zeros(len(cells)))}, gates=Gates(usable=False))
    folder = model(tmp_path)
    done = tune(folder, nothing, tmp_path / "run", budget=Budget(rounds=1), settings=QUICK, device="cpu")
    before, after = (load_file(each / "weights.safetensors") for each in (folder, done.model))
    assert all(before[name].equal(after[name]) for name in before)


def rows(folder) -> list[dict[str, str]]:
    return [
        {key: value for key, value in row.items() if key != "seconds"}
        for row in csv.DictReader((folder / "curve.csv").open())
    ]


def test_killed_at_any_moment_it_goes_on_to_the_same_end(tmp_path):
    folder = model(tmp_path)

    def go(out: str):
        return tune(folder, iron(), tmp_path / out, budget=Budget(rounds=3), settings=FAST, device="cpu")

    whole = go("whole")
    for moment in ("base.json", "rounds/0001.json", "last.ckpt", "rounds/0003.json", "model/card.json"):
        file = tmp_path / "killed" / moment
        assert send_when(start(lambda: go("killed")), signal.SIGKILL, file.exists) in (-signal.SIGKILL, 0)
    done = go("killed")
    assert rows(tmp_path / "killed") == rows(tmp_path / "whole")
    one, other = (load_file(run.model / "weights.safetensors") for run in (done, whole))
    assert all(one[name].equal(other[name]) for name in one)
    (done.model / "card.json").unlink()  # as a kill between weights and card leaves it
    assert go("killed").state == "finished"
    assert read_card(done.model / "card.json")["tuned"]["rounds"] == 3


def test_draws_that_were_measured_are_not_measured_again(tmp_path):
    asked = []

    def count(cells):
        asked.append(len(cells))
        return np.full(len(cells), 0.5)

    folder = model(tmp_path)
    reward = Reward({"a": Function(count)}, gates=Gates(usable=False))
    tune(folder, reward, tmp_path / "run", budget=Budget(rounds=1), settings=QUICK, device="cpu")
    (tmp_path / "run" / "last.ckpt").unlink()
    done = tune(folder, reward, tmp_path / "run", budget=Budget(rounds=1), settings=QUICK, device="cpu")
    assert asked == [32]
    assert done.calls == 32


def test_ctrl_c_ends_cleanly(tmp_path):
    folder = model(tmp_path)

    def go():
        done = tune(folder, iron(), tmp_path / "run", budget=Budget(rounds=500), settings=FAST, device="cpu")
        assert done.state == "stopped"

    assert send_when(start(go), signal.SIGINT, (tmp_path / "run" / "last.ckpt").exists) == 0
    assert load(tmp_path / "run" / "model").generate(1, 0)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"settings": ["draws=16"]}, "settings"),
        ({"reward": "[parts.x]\nkind = 'elements'\nelements = ['O']\n[gates]\nusable = false"}, "reward"),
    ],
)
def test_a_folder_belongs_to_one_run(tmp_path, change, part):
    folder, path = model(tmp_path), tmp_path / "reward.toml"
    path.write_text(IRON)
    tune(folder, path, tmp_path / "run", budget=Budget(rounds=1), settings=QUICK, device="cpu")
    path.write_text(change.get("reward", IRON))
    with pytest.raises(NucleateError, match=part) as caught:
        tune(folder, path, tmp_path / "run", settings=[*QUICK, *change.get("settings", [])], device="cpu")
    assert caught.value.hint


def test_the_buffer_keeps_the_best_and_no_system_too_often():
    salt, iron_ = rocksalt(), simple("Fe", 2.8)
    buffer = Buffer(3, 2, 1.0).with_draws(
        [salt, None, salt, iron_, salt], np.array([0.3, 0.9, 0.5, 0.1, 0.4])
    )
    assert buffer.values == (0.5, 0.4, 0.1)
    buffer = buffer.with_draws([simple("Nb", 3.2), iron_, iron_], np.array([0.2, 0.0, 0.05]))
    assert buffer.values == (0.5, 0.4, 0.2)
    again = Buffer(3, 2, 1.0).recalled(json.loads(json.dumps(buffer.to_plain())))
    assert again.values == buffer.values
    assert [one.formula for one in again.cells] == [one.formula for one in buffer.cells]
    narrow = Buffer(4, 9, 0.25).with_draws([salt] * 3 + [iron_], np.array([0.1, 0.3, 0.2, 0.05]))
    assert narrow.values == (0.3, 0.05)


def test_crystals_are_shown_in_proportion_to_the_exponent_of_the_reward():
    buffer = Buffer(2, 1, 1.0).with_draws([rocksalt(), simple("Fe", 2.8)], np.array([0.6, 0.4]))
    shown = buffer.shown(40_000, 0.2, np.random.default_rng(0))
    share = np.mean([len(one.species) == 2 for one in shown])
    assert share == pytest.approx(np.e / (1 + np.e), abs=0.01)
