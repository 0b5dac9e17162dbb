"""The predictor that rewards never reports."""

from __future__ import annotations

import pytest

from nucleate.errors import RecipeError
from nucleate.rewards import reward_of
from nucleate.tuning.judge import Judge
from tests.cli.words import assert_one_line, run
from tests.rewards.made import rocksalt, simple


def rewarding(*models: str):
    parts = {
        f"part{i}": {"kind": "predictor", "model": name, "shape": "saturating", "value": 10}
        for i, name in enumerate(models)
    }
    return reward_of({"parts": parts})


def test_the_partner_judges_by_itself():
    found = Judge.of("auto", rewarding("property-tc-first"), pytest.fail)
    assert found is not None
    assert found.name == "property-tc-second"
    other = Judge.of("auto", rewarding("property-band-gap-second"), pytest.fail)
    assert other is not None
    assert other.name == "property-band-gap-first"
    assert found([simple("Nb", 2.9), None, rocksalt()]).shape == (3,)
    assert Judge.of("auto", rewarding("property-tc-first", "property-tc-second"), pytest.fail) is None
    assert Judge.of("none", rewarding("property-tc-first"), pytest.fail) is None


def test_what_rewards_is_no_judge(tmp_path, monkeypatch, capsys):
    with pytest.raises(RecipeError, match="judges and rewards"):
        Judge.of("property-tc-first", rewarding("property-tc-first"), pytest.fail)
    path = tmp_path / "reward.toml"
    path.write_text(
        '[parts.tc]\nkind = "predictor"\nmodel = "property-tc-first"\nshape = "saturating"\nvalue = 10\n'
    )
    words = [
        "tune",
        "kldm-mp20-dng",
        "--reward",
        path,
        "--out",
        tmp_path / "out",
        "--judge",
        "property-tc-first",
    ]
    assert run(monkeypatch, *words) == 2
    assert_one_line(capsys, "judges and rewards")
    assert not (tmp_path / "out").exists()


def test_a_judge_of_the_same_labels_gets_a_warning(monkeypatch):
    reward, said = rewarding("property-tc-first"), []
    judge = Judge.of("property-tc-second", reward, said.append)
    assert judge is not None
    assert not said
    task = judge.part.loaded.model.task
    object.__setattr__(reward.predictors["part0"].loaded.model.task, "half", task.half)
    Judge.of("property-tc-second", reward, said.append)
    assert "share mistakes" in said[0]
